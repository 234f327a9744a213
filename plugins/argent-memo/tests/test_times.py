"""What a question says about when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_memo.myself import says_i
from argent_memo.times import asks_when, tells_time, told

NOW = datetime(2024, 3, 6, 15, tzinfo=UTC)  # a Wednesday


def named(query: str, now: datetime = NOW) -> list[tuple[str, str]]:
    spans = told(query, now=now, years=range(2023, 2025)).spans
    return [
        (f"{datetime.fromtimestamp(a, UTC):%Y-%m-%d}", f"{datetime.fromtimestamp(b, UTC):%Y-%m-%d}")
        for a, b in spans
    ]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("What happened on 2023-05-07?", "2023-05-07", "2023-05-08"),
        ("What did we do on 7 May 2023?", "2023-05-07", "2023-05-08"),
        ("What did we do on May 7th, 2023?", "2023-05-07", "2023-05-08"),
        ("Was war am 7. Mai 2023?", "2023-05-07", "2023-05-08"),
        ("Что было 7 мая 2023?", "2023-05-07", "2023-05-08"),
        ("2023年5月7日に何をしましたか", "2023-05-07", "2023-05-08"),
        ("What did we do in February 2024?", "2024-02-01", "2024-03-01"),
        ("What was on 29 February 2024?", "2024-02-29", "2024-03-01"),
        ("What was on 31 December 2023?", "2023-12-31", "2024-01-01"),
        ("What did we do in 2024?", "2024-01-01", "2025-01-01"),
        ("What did I say yesterday?", "2024-03-05", "2024-03-06"),
        ("What did I say last week?", "2024-02-26", "2024-03-04"),
        ("What did I say last month?", "2024-02-01", "2024-03-01"),
        ("What did I say last year?", "2023-01-01", "2024-01-01"),
        ("Was habe ich gestern gesagt?", "2024-03-05", "2024-03-06"),
        ("昨天我说了什么？", "2024-03-05", "2024-03-06"),
    ],
)
def test_a_time_that_is_named(query: str, start: str, end: str) -> None:
    assert named(query) == [(start, end)]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("What did we do last summer?", "2023-06-01", "2023-09-01"),
        ("Where were we the summer before last?", "2022-06-01", "2022-09-01"),
        ("Where were we two summers ago?", "2022-06-01", "2022-09-01"),
        ("What did I read in the summer of 2021?", "2021-06-01", "2021-09-01"),
        ("What did I do last winter?", "2023-12-01", "2024-03-01"),
        ("What did I do this winter?", "2023-12-01", "2024-03-01"),
        ("What do I do next spring?", "2025-03-01", "2025-06-01"),
        ("What did she do last fall?", "2023-09-01", "2023-12-01"),
        ("Was war letzten Sommer?", "2023-06-01", "2023-09-01"),
        ("Was war im Sommer letzten Jahres?", "2023-06-01", "2023-09-01"),
        ("Was war im vorletzten Herbst?", "2022-09-01", "2022-12-01"),
        ("Qu'avons-nous fait l'été dernier ?", "2023-06-01", "2023-09-01"),
        ("¿Qué hicimos el verano pasado?", "2023-06-01", "2023-09-01"),
        ("Cosa abbiamo fatto l'estate scorsa?", "2023-06-01", "2023-09-01"),
        ("O que fizemos no verão passado?", "2023-06-01", "2023-09-01"),
        ("Wat deden we vorige zomer?", "2023-06-01", "2023-09-01"),
        ("Что мы делали прошлым летом?", "2023-06-01", "2023-09-01"),
        ("Что было летом прошлого года?", "2023-06-01", "2023-09-01"),
        ("Co robiliśmy zeszłego lata?", "2023-06-01", "2023-09-01"),
        ("Mitä teimme viime kesänä?", "2023-06-01", "2023-09-01"),
        ("Mit csináltunk múlt nyáron?", "2023-06-01", "2023-09-01"),
        ("Geçen yaz ne yaptık?", "2023-06-01", "2023-09-01"),
        ("الصيف الماضي ماذا فعلنا؟", "2023-06-01", "2023-09-01"),
        ("पिछली गर्मियों में हम कहाँ गए थे?", "2023-06-01", "2023-09-01"),
        ("去年夏天我们去了哪里？", "2023-06-01", "2023-09-01"),
        ("去年の夏はどこに行きましたか", "2023-06-01", "2023-09-01"),
        ("지난 여름에 뭐 했어?", "2023-06-01", "2023-09-01"),
        ("What did grandma make last Christmas?", "2023-12-24", "2023-12-27"),
        ("Where were we at Easter 2023?", "2023-04-07", "2023-04-11"),
        ("Was gab es letzte Ostern?", "2023-04-07", "2023-04-11"),
        ("去年春节我们做了什么？", "2023-01-22", "2023-01-29"),
        ("What did I do last weekend?", "2024-03-02", "2024-03-04"),
        ("What did I do the weekend before last?", "2024-02-24", "2024-02-26"),
        ("What did I say on Monday?", "2024-03-04", "2024-03-05"),
        ("Was war letzten Freitag?", "2024-03-01", "2024-03-02"),
        ("What did we earn last quarter?", "2023-10-01", "2024-01-01"),
        ("What did we earn in Q3 2023?", "2023-07-01", "2023-10-01"),
        ("What happened last May?", "2023-05-01", "2023-06-01"),
        ("What did I eat this morning?", "2024-03-06", "2024-03-07"),
        ("What did I read three weeks ago?", "2024-02-11", "2024-02-18"),
        ("Was war vor zwei Tagen?", "2024-03-04", "2024-03-05"),
        ("Что было пять недель назад?", "2024-01-28", "2024-02-04"),
        ("三年前我住在哪里？", "2021-01-01", "2022-01-01"),
        ("Where did we live in the nineties?", "1990-01-01", "2000-01-01"),
        ("Où vivions-nous dans les années 90 ?", "1990-01-01", "2000-01-01"),
        ("What did we do two weeks before August 11, 2023?", "2023-07-25", "2023-08-01"),
        ("What did we do one month after May 7, 2023?", "2023-05-23", "2023-06-23"),
        ("What did we do the week before August 11, 2023?", "2023-08-04", "2023-08-11"),
        ("Was war zwei Tage nach dem 7. Mai 2023?", "2023-05-08", "2023-05-11"),
    ],
)
def test_a_season_a_feast_and_what_is_counted_from_now(query: str, start: str, end: str) -> None:
    assert named(query) == [(start, end)]


def test_summer_is_in_january_where_it_is() -> None:
    (summer,) = told("What did we do last summer?", now=NOW, years=(), south=True).spans
    assert datetime.fromtimestamp(summer[0], UTC).date().isoformat() == "2023-12-01"


def test_what_is_before_a_date_may_be_any_time_before_it() -> None:
    asked = told("What did I buy before May 2023?", now=NOW, years=(2023, 2024))
    ((start, end),) = asked.loose
    assert not asked.spans
    assert start < 0 < end == datetime(2023, 6, 1, tzinfo=UTC).timestamp()


def test_what_is_counted_from_a_date_may_be_any_time_up_to_then() -> None:
    asked = told("What did we do two weeks before August 11, 2023?", now=NOW, years=(2023,))
    ((start, end),) = asked.loose
    assert datetime.fromtimestamp(start, UTC).date().isoformat() == "2023-07-28"
    assert datetime.fromtimestamp(end, UTC).date().isoformat() == "2023-08-11"


def test_what_is_before_a_month_may_be_any_time_before_it() -> None:
    asked = told("What did I buy before June?", now=NOW, years=(2023,))
    ((start, end),) = asked.loose
    assert not asked.spans
    assert start < 0 < end == datetime(2023, 7, 1, tzinfo=UTC).timestamp()


def test_a_summer_that_is_not_named_may_be_of_any_year() -> None:
    asked = told("What do we do in summer?", now=NOW, years=(2023, 2024))
    assert not asked.spans
    assert len(asked.loose) == 2


@pytest.mark.parametrize(
    ("query", "relation", "words"),
    [
        ("Where did I live before I moved to Berlin?", "before", "i moved to berlin"),
        ("Where have we been since I got the dog?", "since", "i got the dog"),
        ("Wo wohnte ich, bevor ich umzog?", "before", "ich umzog"),
        ("Où vivais-je avant le mariage ?", "before", "le mariage"),
        ("我搬家之前住在哪里？", "before", "我搬家"),
        ("引っ越す前はどこに住んでいましたか", "before", "引っ越す"),
        ("Taşınmadan önce nerede yaşıyordum?", "before", "tasinmadan"),
    ],
)
def test_an_event_that_says_when(query: str, relation: str, words: str) -> None:
    asked = told(query, now=NOW, years=(2023, 2024))
    assert asked.event is not None
    assert (asked.event.relation, asked.event.words) == (relation, words)


@pytest.mark.parametrize("query", ["When did I move?", "Was war vor zwei Wochen?", "Before?", ""])
def test_no_event_is_named(query: str) -> None:
    assert told(query, now=NOW, years=(2023, 2024)).event is None


@pytest.mark.parametrize(
    "query",
    [
        "Which car do I drive?",
        "Quel est le nez de Cyrano ?",
        "When do we see the choir once a week?",
        "Ist das prima?",
        "Was steht vor dem Regal?",
        "What do I take before breakfast?",
        "Co je rychlejší než tvoje auto?",
        "В каком зале лекция до обеда?",
    ],
)
def test_how_something_was_is_not_asked_for(query: str) -> None:
    assert not told(query, now=NOW, years=(2023, 2024)).formerly


@pytest.mark.parametrize(
    "query",
    [
        "Where did I live before?",
        "Where did I live before, and with whom?",
        "What did I use to drive, and what was it formerly called?",
        "Wo wohnte ich früher?",
        "Où vivais-je avant ?",
        "Kde jsem bydlel dříve?",
        "Где я жил раньше?",
        "Önceden nerede oturuyordum?",
        "我以前住在哪里？",
        "मैं पहले कहाँ रहता था?",
        "Where did I live before 2021?",
    ],
)
def test_how_something_was_is_asked_for(query: str) -> None:
    assert told(query, now=NOW, years=(2023, 2024)).formerly


@pytest.mark.parametrize("name", ["Julie", "Marta", "Marco", "Maja", "Augusta", "April"])
def test_a_month_alone_may_be_a_name(name: str) -> None:
    asked = told(f"Where does {name} work?", now=NOW, years=(2023, 2024))
    assert not asked.spans
    assert not asked.loose
    assert [said for said, _ in asked.maybe] == [name.lower()] * 2
    among = told(f"Where does {name} work?", now=NOW, years=(2023, 2024), people=[f"{name} May"])
    assert not among.maybe


@pytest.mark.parametrize(
    ("query", "months"),
    [
        ("What did April do in April?", ["2023-04-01", "2024-04-01"]),
        ("What did April do on April 7?", ["2023-04-07", "2024-04-07"]),
        ("What happened in June?", ["2023-06-01", "2024-06-01"]),
        ("Was war im Juli?", ["2023-07-01", "2024-07-01"]),
        ("Co było w maju?", ["2023-05-01", "2024-05-01"]),
    ],
)
def test_a_month_is_one_where_the_question_says_so(query: str, months: list[str]) -> None:
    asked = told(query, now=NOW, years=(2023, 2024), people=["April"])
    starts = [f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}" for start, _ in asked.spans]
    assert starts == months


def test_a_day_without_a_year_is_that_of_each_year() -> None:
    found = named("What did we do on 7 May?")
    assert found == [("2023-05-07", "2023-05-08"), ("2024-05-07", "2024-05-08")]


def test_a_day_that_only_some_years_have_is_of_those() -> None:
    assert named("What was on 29 February?") == [("2024-02-29", "2024-03-01")]


def test_the_month_before_january_is_of_the_year_before() -> None:
    january = datetime(2024, 1, 31, tzinfo=UTC)
    assert named("What was last month?", january) == [("2023-12-01", "2024-01-01")]


def test_days_are_those_of_utc_wherever_one_is() -> None:
    here = datetime(2024, 3, 31, 23, 30, tzinfo=timezone(-timedelta(hours=5)))
    assert named("What was yesterday?", here) == [("2024-03-31", "2024-04-01")]


@pytest.mark.parametrize(
    "query",
    [
        "You may march on.",
        "Where is the key?",
        "Before I moved, who lived there?",
        "",
    ],
)
def test_no_time_is_named(query: str) -> None:
    assert named(query) == []


def test_who_asks_for_a_time_and_of_themselves() -> None:
    for query in ("When was it?", "Wann war das?", "什么时候?", "когда это было", "متى"):
        assert asks_when(query), query
    assert not asks_when("Who whenever?"[:3])
    for query in ("What do I like?", "Was mag ich?", "我喜欢什么", "что я люблю"):
        assert says_i(query), query
    assert not says_i("What does Ann like?")


def test_texts_that_tell_a_time() -> None:
    for text in ("We met last week.", "Am Montag war es.", "In 2019.", "昨天", "Two years ago"):
        assert tells_time(text), text
    assert not tells_time("The dog is brown; it may bark.")


@pytest.mark.parametrize("now", [datetime.min, NOW, datetime.max])
@pytest.mark.parametrize(
    "query",
    [
        "What was on May 03111111111111111111111111?",
        "What was on May ٠٣١١١١١١١١١١١١١١١١١١١١?",
        "Where was I two weeks before 0001-01-05?",
        "Where was I three weeks after 9999-12-30?",
        "Where was I 999 months after 9999-12?",
        "Where was I 12 months before 0001-05-05?",
        "Where was I 999 years before 0000-00-00?",
        "Where was I 999 summers ago, 999 weeks ago or last December?",
        "9999年13月 9999年12月31日",
    ],
)
def test_odd_dates_are_read_too(query: str, now: datetime) -> None:
    asked = told(query, now=now.replace(tzinfo=UTC), years=(1, 2024, 9999))
    assert all(start < end for start, end in (*asked.spans, *asked.loose))


@given(st.text(st.characters(codec=None)), st.integers(1970, 2100))
def test_any_text_is_read(text: str, year: int) -> None:
    for start, end in told(text, now=NOW, years=range(year, year + 2)).spans:
        assert start < end
    asks_when(text), says_i(text), tells_time(text)
