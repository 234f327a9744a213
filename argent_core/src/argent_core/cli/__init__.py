"""The command ``argent``."""

from argent_core.cli.app import main

__all__ = ["main"]
