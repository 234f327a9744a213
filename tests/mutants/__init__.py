"""Deliberately wrong plugins: each contract must catch those that break it."""
