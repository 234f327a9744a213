"""Words: how text is folded before it is indexed and asked for, in every script.

FTS5's own tokenizers know no word boundaries where a script writes none, and its query language is
none of a person's business: what is indexed are the words that this module makes, and what is asked
for is made of them too.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")


def fold(text: str) -> list[str]:
    """Return the words of a text, in their folded form, in order."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return _WORD.findall(kept)
