"""Wrong event sources."""

from __future__ import annotations

from argent_hookspecs import EventSource
from tests.mutants import occurrences
from tests.mutants.declaring import caught_by
from tests.mutants.posts import SourceContract, a_source


class TestRightSource(SourceContract):
    plugin = a_source()


@caught_by("test_listens_until_cancelled", "ended by itself")
class TestSourceEnds(SourceContract):
    plugin = a_source(occurrences.Ends)


@caught_by("test_listens_until_cancelled", "did not end within")
class TestSourceListensOn(SourceContract):
    plugin = a_source(occurrences.ListensOn)


@caught_by("test_what_happens_becomes_an_event", "not within")
class TestSourceIsDeaf(SourceContract):
    plugin = a_source(occurrences.Deaf)


@caught_by("test_what_is_refused_comes_again", "lost an event that was not stored")
class TestSourceSwallowsRefusals(SourceContract):
    plugin = a_source(occurrences.SwallowsRefusals)


@caught_by("test_what_was_not_stored_comes_again", "lost an event that was not stored")
class TestSourceMovesItsCursorFirst(SourceContract):
    plugin = a_source(occurrences.AcknowledgesFirst)


@caught_by("test_what_happens_arrives_whole_and_once", "not all that was said")
class TestSourceCutsWords(SourceContract):
    plugin = a_source(occurrences.CutsWords)


@caught_by("test_what_happens_arrives_whole_and_once", "became 2 events")
class TestSourceEmitsTwice(SourceContract):
    plugin = a_source(occurrences.EmitsTwice)


@caught_by("test_what_happens_comes_in_order", "out of order")
class TestSourceGoesBackwards(SourceContract):
    plugin = a_source(occurrences.Backwards)


@caught_by("test_what_happens_becomes_an_event", "occurred_at has no time zone")
class TestSourceHasNoTimeZone(SourceContract):
    plugin = a_source(occurrences.NaiveTime)


@caught_by("test_what_happens_becomes_an_event", "data must be JSON values")
class TestSourceHasOddData(SourceContract):
    plugin = a_source(occurrences.OddData)


@caught_by("test_what_happens_becomes_an_event", "is of no kind")
class TestSourceHasNoKind(SourceContract):
    plugin = a_source(occurrences.NoKind)


@caught_by("test_listens_until_cancelled", "Blocking call to time.sleep")
class TestSourceBlocks(SourceContract):
    kind = EventSource
    plugin = "tests.mutants.wrong_modules.blocking"
