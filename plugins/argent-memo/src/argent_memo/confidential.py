"""Confidential: keys, passwords and PINs are never kept.

Secrets that the kernel knows are out of every text already; these are those that somebody types.
They are known by their looks, or by what is said of them (``tellings.py``).
The formats are those that their issuers document:
https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
Nothing is looked at again from each of its letters: no text, however long, takes its time squared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from argent_memo.tellings import tells_secret, words_for_secrets

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
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_ENDS = re.compile(r"(?<=[.!?…؟।])\s+|(?<=[。！？])|\n+")
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){13,19}(?![\w-])")
_TOKEN = re.compile(r"(?<!\S)\S{8,256}(?!\S)")
_AROUND = ".,;:!?()[]{}<>\"'`„“”«»"
_ADDRESS = re.compile(r"://|^[/~.]|^www\.|@[\w-]+\.")
_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[!#$%^&*=?~|<>{}\[\]\\;]")
_LONG_KEY = 32
_SHORT = 200


def is_confidential(text: str) -> bool:
    """Tell whether a text holds what nobody should learn from: a key, a password, a card's number.

    A password is known by its looks: small and large letters, digits and signs in one word, or the
    first three in a long one; any other, by a sentence that says what it is.
    """
    return without_secrets(text) != text


def without_secrets(text: str, *, before: str = "") -> str:
    """Return a text without the sentences that hold a secret; empty, if nothing else is there.

    Args:
        before: What it answers.
    """
    return parted(text, before=before)[0]


def parted(text: str, *, before: str = "") -> tuple[str, list[str]]:
    """Return a text without the sentences that hold a secret, and these.

    Args:
        before: What it answers.
    """
    looks, named = _looks(text), words_for_secrets(f"{before}\n{text}")
    if not looks and not named:
        return text, []
    kept, held = list[str](), _PRIVATE_KEY.findall(text)
    for sentence in sentences(_PRIVATE_KEY.sub("", text)):
        secret = _looks(sentence) or (named and tells_secret(sentence, before=before, among=named))
        (held if secret else kept).append(sentence)
        before = sentence
    left = "".join(kept)
    if left == text and not looks:
        return text, []  # one that goes over several sentences
    return ("", [text]) if left == text or _looks(left) else (left.strip(), held)


def answers_with_secret(text: str, *, before: str) -> bool:
    """Tell whether a text says no more than the password that it was asked for."""
    return len(text) <= _SHORT and tells_secret(text, before=before)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text with the space behind them; a heading, with what it heads."""
    start = 0
    for match in _ENDS.finditer(text):
        heads = text[start : match.start()].rstrip().endswith((":", "："))
        if not heads and match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _looks(text: str) -> bool:
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
