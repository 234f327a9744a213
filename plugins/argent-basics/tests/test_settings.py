from __future__ import annotations

import pytest

from argent_basics.settings import BasicsSettings


@pytest.mark.parametrize("zone", ["", "Paris", "Europe/Paris", "UTC+2"])
def test_a_zone_is_a_city_a_name_or_an_offset(zone: str) -> None:
    assert BasicsSettings(zone=zone).zone == zone


@pytest.mark.parametrize(
    ("zone", "says"),
    [("Mars/Base", "no time zone is known for 'Mars/Base'"), ("Pariss", "did you mean Europe/Pa")],
)
def test_one_that_is_none_is_refused_with_what_comes_near(zone: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"zone: .*{says}"):
        BasicsSettings(zone=zone)
