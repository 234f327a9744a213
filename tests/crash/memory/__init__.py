"""The crash harness with a memory: argent-memo is in the kernel, and what it keeps is judged.

Capture follows the journal in the background, so that a kill may come before, in the middle of and
after it. Whatever was dealt with is remembered once in the end, when capture has caught up.
"""
