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
_WEIGHT = 0.2


@define
class _Record:
    """What is known of one provider.

    Args:
        score: Share of calls that went well, the last ones counting most, from 0 to 1.
        in_a_row: Failures since the last success.
        shut_until: When it may be tried again, in seconds since 1970.
        asked_until: Until when it wants to be left alone itself.
    """

    score: float = 1.0
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
        record.score += (1.0 - record.score) * _WEIGHT
        record.in_a_row = 0
        record.shut_until = record.asked_until = 0.0

    def failed(self, provider: str, *, retry_after: float | None = None) -> None:
        """Note a call that failed.

        Args:
            retry_after: Seconds for which the provider wants to be left alone, if it says so.
        """
        record = self._of(provider)
        record.score -= record.score * _WEIGHT
        record.in_a_row += 1
        seconds = 0.0
        if record.in_a_row >= _FAILURES:
            doublings = min(record.in_a_row - _FAILURES, 10)
            seconds = min(_FIRST_SECONDS * 2.0**doublings, _LONGEST_SECONDS)
        in_earnest = isinstance(retry_after, (int, float)) and 0 < retry_after < math.inf
        wish = retry_after if in_earnest and retry_after is not None else 0.0
        record.shut_until = self._now() + seconds
        record.asked_until = self._now() + min(wish, _LONGEST_SECONDS)

    def is_well(self, provider: str) -> bool:
        """Tell whether a provider may be called although there are others."""
        return self._left(self._of(provider).shut_until) == self.wait(provider) == 0.0

    def wait(self, provider: str) -> float:
        """Return the seconds for which a provider wants to be left alone; 0 if it does not."""
        return self._left(self._of(provider).asked_until)

    def score(self, provider: str) -> float:
        """Return the share of calls that went well of late, from 0 to 1."""
        return self._of(provider).score

    def _of(self, provider: str) -> _Record:
        return self._records.setdefault(provider, _Record())

    def _left(self, until: float) -> float:
        left = until - self._now()
        # One further away than it can be comes from a clock that was set back.
        return left if 0.0 < left <= _LONGEST_SECONDS else 0.0

    def _now(self) -> float:
        return self.clock.now().timestamp()
