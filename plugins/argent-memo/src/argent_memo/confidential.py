"""Confidential: what looks like a key or a password is never kept.

Secrets that the kernel knows are out of every text already; these are those that somebody types.
The formats are those that their issuers document:
https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
"""

from __future__ import annotations

import re

_KEYS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----        # PEM, RFC 7468
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}      # JSON Web Token, RFC 7519
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b             # AWS
    | \bgh[oprsu]_[0-9A-Za-z]{36,}\b            # GitHub
    | \bgithub_pat_\w{22,}\b
    | \bglpat-[\w-]{20,}                        # GitLab
    | \bsk-[\w-]{20,}                           # OpenAI, Anthropic
    | \bxox[abeprs]-[\w-]{10,}                  # Slack
    | \bAIza[\w-]{35}\b                         # Google
    | \b[sr]k_(?:live|test)_\w{16,}\b           # Stripe
    | \b\d{6,12}:[\w-]{35}\b                    # Telegram
    | ://[^/\s:@]+:[^/\s:@]+@                   # a password in an address
    """,
    re.VERBOSE,
)
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){13,19}(?![\w-])")


def is_confidential(text: str) -> bool:
    """Tell whether a text holds what nobody should learn from: a key, a card's number."""
    if _KEYS.search(text):
        return True
    return any(_is_card(re.sub(r"\D", "", found)) for found in _CARD.findall(text))


def _is_card(digits: str) -> bool:
    """Check a number by its last digit (ISO/IEC 7812-1, the Luhn formula)."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "3456":
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
