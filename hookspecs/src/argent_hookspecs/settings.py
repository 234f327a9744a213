"""Settings: each plugin has one class of them, from which help, forms and tables are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from attrs import frozen


@frozen(repr=False)
class Secret:
    """A reference to a secret, never its value.

    ``env:NAME``, ``file:PATH`` (only its owner may read the file), ``keyring:SERVICE/NAME`` or
    ``store:NAME`` (Argent's own encrypted store).
    """

    ref: str

    def __repr__(self) -> str:
        return f"Secret({self.ref.partition(':')[0]}:…)"


def setting(
    default: Any = attrs.NOTHING,
    *,
    doc: str,
    ge: float | None = None,
    le: float | None = None,
    choices: Sequence[Any] | None = None,
) -> Any:
    """Declare a field of a settings class.

    Args:
        default: Its value when the person does not say one; required without it.
        doc: What it is, in one sentence, for help, forms and the documentation.
        ge: Least value.
        le: Greatest value.
        choices: The only values.

    >>> from attrs import frozen
    >>> @frozen
    ... class Settings:
    ...     port: int = setting(8080, doc="Port to listen on.", ge=1, le=65535)
    >>> Settings(port=0)
    Traceback (most recent call last):
    ...
    ValueError: must be at least 1
    """

    def check(_: Any, __: attrs.Attribute[Any], value: Any) -> None:
        if value is None:
            return
        if ge is not None and value < ge:
            raise ValueError(f"must be at least {ge}")
        if le is not None and value > le:
            raise ValueError(f"must be at most {le}")
        if choices is not None and value not in choices:
            raise ValueError(f"must be one of {', '.join(map(str, choices))}")

    metadata = {"doc": doc, "ge": ge, "le": le, "choices": choices}
    return attrs.field(default=default, validator=check, metadata=metadata)
