"""Argent, the operating system for personal AI: the full build.

The code lives in ``argent_core`` and in the plugins; this distribution only names them.
"""
