"""The health of model providers, from how their calls end: a circuit breaker for each.

A provider that fails three times in a row is left alone for a while where others can answer, twice
as long each time; one that says when to come back is left alone until then. After that a call tries
it out.
(https://martinfowler.com/bliki/CircuitBreaker.html)
"""

from __future__ import annotations

import math

from attrs import define, field

from argent_hookspecs import Clock

_FAILURES = 3
_FIRST_SECONDS = 30.0
_LONGEST_SECONDS = 600.0
_LONGEST_WISH = 86_400.0
_TRIAL_SECONDS = 120.0


@define
class _Record:
    """What is known of one provider.

    Args:
        in_a_row: Failures since the last success.
        shut_until: When it may be tried again, by the clock that only goes on.
        asked_until: Until when it wants to be left alone itself.
    """

    in_a_row: int = 0
    shut_until: float = 0.0
    asked_until: float = 0.0


@define(eq=False, repr=False)
class ProviderHealth:
    """Keeps the record of every provider."""

    clock: Clock
    _records: dict[str, _Record] = field(factory=dict)

    def succeeded(self, provider: str) -> None:
        """Note a call that was answered."""
        record = self._of(provider)
        record.in_a_row, record.shut_until = 0, 0.0

    def failed(self, provider: str, *, retry_after: float | None = None) -> None:
        """Note a call that failed.

        Args:
            retry_after: Seconds for which the provider wants to be left alone, if it says so.
        """
        record, now = self._of(provider), self.clock.monotonic()
        record.in_a_row += 1
        if record.in_a_row >= _FAILURES:
            doublings = min(record.in_a_row - _FAILURES, 10)
            record.shut_until = now + min(_FIRST_SECONDS * 2.0**doublings, _LONGEST_SECONDS)
        if isinstance(retry_after, (int, float)) and 0 < retry_after < math.inf:
            wish = now + min(retry_after, _LONGEST_WISH)
            record.asked_until = max(record.asked_until, wish)

    def try_out(self, provider: str) -> None:
        """Note that a provider is called; one that was left alone by one caller at a time."""
        record = self._of(provider)
        if record.in_a_row >= _FAILURES:
            record.shut_until = self.clock.monotonic() + _TRIAL_SECONDS

    def is_well(self, provider: str) -> bool:
        """Tell whether a provider may be called although there are others."""
        return self.rest(provider) == 0.0

    def rest(self, provider: str) -> float:
        """Return the seconds for which a provider is left alone where others can answer."""
        return max(self._left(self._of(provider).shut_until), self.wait(provider))

    def failures(self, provider: str) -> int:
        """Return how often a provider has failed since it last answered."""
        return self._of(provider).in_a_row

    def wait(self, provider: str) -> float:
        """Return the seconds for which a provider wants to be left alone; 0 if it does not."""
        return self._left(self._of(provider).asked_until)

    def _of(self, provider: str) -> _Record:
        return self._records.setdefault(provider, _Record())

    def _left(self, until: float) -> float:
        return max(0.0, until - self.clock.monotonic())
