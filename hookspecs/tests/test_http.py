from __future__ import annotations

from datetime import UTC, datetime

import pytest

from argent_hookspecs.http import is_loopback, retry_after

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": " 2.5 "}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:00 GMT"}, 60.0),
        ({"retry-after": "Friday, 20-Nov-26 12:01:00 GMT"}, 60.0),
        ({"retry-after": "Fri Nov 20 12:01:00 2026"}, 60.0),
        ({"retry-after": "Fri, 20 Nov 2026 13:01:00 +0100"}, 60.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0.0),
    ],
)
def test_a_wait_is_in_seconds(said: dict[str, str], seconds: float) -> None:
    assert retry_after(said, now=NOON) == seconds


@pytest.mark.parametrize(
    "said",
    [
        *("", "soon", "-5", "nan", "inf", "-inf", "1e9999", "1_0", "٣", "9" * 400, "0x10"),
        "Fri, 20 Nov 99999 12:00:00 GMT",
        f"Fri, 20 Nov {'9' * 40} 12:00:00 GMT",
        "Fri, 99 Nov 2026 12:00:00 GMT",
        "Fri, 20 Nov 2026 12:00:00 +999999",
        "Fri, 20",
        ",",
    ],
)
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_what_is_no_wait_counts_as_not_said(name: str, said: str) -> None:
    assert retry_after({name: said}, now=NOON) is None


def test_a_server_that_names_no_wait() -> None:
    assert retry_after({"date": "Fri, 20 Nov 2026 12:00:00 GMT"}, now=NOON) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:11434",
        "http://LOCALHOST./v1",
        "http://gateway.localhost",
        "http://127.0.0.1",
        "http://127.8.9.1:80/v1",
        "http://[::1]:8080",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_addresses_of_this_machine(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "http://192.168.1.2",
        "http://0.0.0.0",
        "http://localhost.example.com",
        "http://mylocalhost",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "http://[::1",
        "localhost",
        "",
    ],
)
def test_addresses_elsewhere(url: str) -> None:
    assert not is_loopback(url)
