"""Imports: what other programs kept, made one's own memories."""

from __future__ import annotations

from argent_memo.imports.importing import import_
from argent_memo.imports.records import FORMS, Imported, ImportRefused

__all__ = ["FORMS", "ImportRefused", "Imported", "import_"]
