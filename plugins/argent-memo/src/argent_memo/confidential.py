"""Confidential: what looks like a key or a password is never kept.

Secrets that the kernel knows are out of every text already; these are those that somebody types.
The formats are those that their issuers document:
https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
Nothing is looked at again from each of its letters: no text, however long, takes its time squared.
"""

from __future__ import annotations

import re

_KEYS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----        # PEM, RFC 7468
    | \b(?:(?<!-)eyJ[\w-]{8,}|eyJ\w{8,})        # JSON Web Token, RFC 7519
      \.[\w-]{8,}\.[\w-]{8,}
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
_TOKEN = re.compile(r"(?<!\S)\S{8,256}(?!\S)")
_AROUND = ".,;:!?()[]{}<>\"'`„“”«»"
_ADDRESS = re.compile(r"://|^[/~.]|^www\.|@[\w-]+\.")
_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[!#$%^&*=?~|<>{}\[\]\\;]")
_LONG_KEY = 32


def is_confidential(text: str) -> bool:
    """Tell whether a text holds what nobody should learn from: a key, a password, a card's number.

    A password is known only by its looks: small and large letters, digits and signs in one word,
    or the first three in a long one. One of plain words looks like plain words.
    """
    if _KEYS.search(text):
        return True
    if any(_is_card(re.sub(r"\D", "", found)) for found in _CARD.findall(text)):
        return True
    return any(_is_password(found) for found in _TOKEN.findall(text))


def _is_password(word: str) -> bool:
    bare = word.strip(_AROUND)
    if len(bare) < 8 or _ADDRESS.search(bare):
        return False
    kinds = [re.search(kind, bare) is not None for kind in _CLASSES]
    if all(kinds):
        return True
    plain = re.fullmatch(r"[\w+/=-]+", bare, re.ASCII) is not None
    return plain and len(bare) >= _LONG_KEY and all(kinds[:3])


def _is_card(digits: str) -> bool:
    """Check a number by its last digit (ISO/IEC 7812-1, the Luhn formula)."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "3456":
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
