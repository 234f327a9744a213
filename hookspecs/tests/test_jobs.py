from __future__ import annotations

from datetime import timedelta

import pytest

from argent_hookspecs import Job


async def tidy() -> None:
    return None


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1)])
def test_a_job_cannot_be_repeated_without_a_pause(every: timedelta) -> None:
    with pytest.raises(ValueError, match="every"):
        Job(id="tidy", run=tidy, every=every)
