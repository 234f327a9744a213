"""What every provider that asks over HTTP needs to know of addresses and answers."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds after which a server wants to be asked again; None if it does not say.

    ``retry-after-ms``, which some APIs of models have, comes before ``retry-after``, which holds
    seconds or a date: RFC 9110, section 10.2.3. A value that is neither counts as not said.

    Args:
        headers: Of the response.
        now: With its time zone.

    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> retry_after({"Retry-After-Ms": "1500", "Retry-After": "60"}, now=noon)
    1.5
    >>> retry_after({"Retry-After": "Fri, 20 Nov 2026 12:00:30 GMT"}, now=noon)
    30.0
    """
    said = {name.lower(): value.strip() for name, value in headers.items()}
    exact = _number(said.get("retry-after-ms", ""))
    if exact is not None:
        return exact / 1000.0
    wait = said.get("retry-after", "")
    seconds = _number(wait)
    return _until(wait, now=now) if seconds is None else seconds


def is_loopback(url: str) -> bool:
    """Say whether an address leads to this machine; what listens there may lead anywhere.

    >>> is_loopback("http://localhost:11434"), is_loopback("http://[::1]/v1")
    (True, True)
    >>> is_loopback("https://localhost.example.com")
    False
    """
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (inner or address).is_loopback


def _number(said: str) -> float | None:
    number = float(said) if _NUMBER.fullmatch(said) else math.inf
    return number if math.isfinite(number) else None


def _until(said: str, *, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(said)
        # A date without a zone is in UTC: RFC 9110, section 5.6.7.
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
