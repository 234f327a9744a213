"""The health of model providers, from how their calls end: a circuit breaker for each.

A provider that fails three times in a row is left alone for a while, twice as long each time; one
that says when to come back is left alone until then. After that one call tries it out.
(https://martinfowler.com/bliki/CircuitBreaker.html)
"""

from __future__ import annotations

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
    """

    score: float = 1.0
    in_a_row: int = 0
    shut_until: float = 0.0


@define(eq=False, repr=False)
class ProviderHealth:
    """Keeps the record of every provider."""

    clock: Clock
    _records: dict[str, _Record] = field(factory=dict)

    def succeeded(self, provider: str) -> None:
        """Note a call that was answered."""
        record = self._of(provider)
        record.score += (1.0 - record.score) * _WEIGHT
        record.in_a_row, record.shut_until = 0, 0.0

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
        wish = retry_after if isinstance(retry_after, (int, float)) and retry_after > 0 else 0.0
        record.shut_until = self._now() + max(seconds, min(wish, _LONGEST_SECONDS))

    def wait(self, provider: str) -> float:
        """Return the seconds for which a provider is still to be left alone; 0 if it is not."""
        left = self._of(provider).shut_until - self._now()
        # One further away than it can be comes from a clock that was set back.
        return left if 0.0 < left <= _LONGEST_SECONDS else 0.0

    def score(self, provider: str) -> float:
        """Return the share of calls that went well of late, from 0 to 1."""
        return self._of(provider).score

    def _of(self, provider: str) -> _Record:
        return self._records.setdefault(provider, _Record())

    def _now(self) -> float:
        return self.clock.now().timestamp()
