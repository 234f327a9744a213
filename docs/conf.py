"""How Sphinx makes the documentation: ``sphinx-build -W docs FOLDER``. It needs no network."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Argent"
author = "the Argent contributors"
release = version = version_of("argent-core")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "reference_pages"]
exclude_patterns = ["_build"]
nitpicky = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
napoleon_use_param = False

html_theme = "alabaster"
html_theme_options = {
    "description": "The operating system for personal AI.",
    "page_width": "65rem",
    "sidebar_width": "15rem",
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
    "code_font_family": "ui-monospace, monospace",
    "show_powered_by": False,
}
html_show_sourcelink = False
html_show_copyright = False
html_copy_source = False
