from __future__ import annotations

import io
import json
import logging
import stat
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_core import log
from argent_core.paths import Home
from argent_core.redaction import Redactor

VALUE = "correct-horse"


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.add(VALUE)
    return redactor


def lines(home: Home) -> list[dict[str, Any]]:
    text = (home.logs / "argent.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_says_what_happened_when_and_where(home: Home, redactor: Redactor) -> None:
    with log.configure(home, "info", redactor=redactor):
        token = log.current_event.set("ev-1")
        logging.getLogger("argent.plugin.weather").info(
            "fetched %d", 3, extra={"plugin": "weather", "place": {"city": "Ulm"}}
        )
        log.current_event.reset(token)

    (line,) = lines(home)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "argent.plugin.weather",
        "plugin": "weather",
        "event": "ev-1",
        "message": "fetched 3",
        "extra": {"place": {"city": "Ulm"}},
    }


def test_what_is_less_important_is_left_out(home: Home, redactor: Redactor) -> None:
    with log.configure(home, "warning", redactor=redactor):
        logging.getLogger("argent.x").info("small")
        logging.getLogger("argent.x").warning("great")

    assert [line["message"] for line in lines(home)] == ["great"]


def test_no_sink_sees_a_secret(
    home: Home, redactor: Redactor, caplog: pytest.LogCaptureFixture
) -> None:
    stream = io.StringIO()

    with log.configure(home, "debug", redactor=redactor, stderr=stream):
        logger = logging.getLogger("argent.x")
        logger.info("key %s", VALUE, extra={"headers": {"auth": [f"Bearer {VALUE}"]}})
        logger.info("wrong number of arguments", VALUE)
        logger.info("%d", VALUE)
        logger.info(ValueError(VALUE))
        try:
            raise KeyError(VALUE) from ValueError(VALUE)
        except KeyError:
            logger.exception("failed", stack_info=True)

    written = (home.logs / "argent.log").read_text()
    assert len(lines(home)) == 5
    assert stream.getvalue().count("[secret]") >= 6
    for text in (written, stream.getvalue(), caplog.text):
        assert "[secret]" in text
        assert VALUE not in text


@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=20))
def test_whatever_the_secret_it_is_not_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    home.create()
    redactor = Redactor()
    secret = f"#{value}#"
    redactor.add(secret)

    with log.configure(home, "debug", redactor=redactor):
        try:
            raise RuntimeError(secret)
        except RuntimeError:
            logging.getLogger("argent.x").exception("%s", secret, extra={"it": (secret, secret)})

    (line,) = lines(home)
    told = [line["message"], *line["extra"]["it"], line["traceback"]]
    assert not [text for text in told if secret in text]
    assert all("[secret]" in text for text in told)


def test_the_file_is_for_this_user_only(home: Home, redactor: Redactor) -> None:
    with log.configure(home, "info", redactor=redactor):
        logging.getLogger("argent.x").info("here")

    assert stat.S_IMODE((home.logs / "argent.log").stat().st_mode) == 0o600


def test_afterwards_everything_is_as_before(home: Home, redactor: Redactor) -> None:
    def state() -> list[Any]:
        loggers = [logging.getLogger(), *map(logging.getLogger, log.LOGGERS)]
        return [(each.level, list(each.handlers), each.propagate) for each in loggers]

    before, threads = state(), threading.active_count()

    with log.configure(home, "debug", redactor=redactor):
        root = logging.getLogger()
        assert (root.level, root.handlers) == before[0][:2]

    assert state() == before
    assert threading.active_count() == threads


def test_people_read_one_line_for_each(home: Home, redactor: Redactor) -> None:
    stream = io.StringIO()

    with log.configure(home, "info", redactor=redactor, stderr=stream):
        logging.getLogger("argent.loop").info("answered", extra={"event": "ev-1", "tokens": 12})

    assert stream.getvalue()[8:] == " info    loop: answered  event=ev-1  tokens=12\n"


def test_a_line_that_cannot_be_written_is_reported_without_its_content(
    home: Home, redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(text)

    with log.configure(home, "info", redactor=redactor, stderr=Broken()):
        logging.getLogger("argent.x").info("key %s", VALUE)

    assert "a line of argent.x could not be logged (OSError)" in capsys.readouterr().err
    assert len(lines(home)) == 1


def test_who_it_is_about_is_said_once(home: Home, redactor: Redactor) -> None:
    stream = io.StringIO()
    with log.configure(home, "info", redactor=redactor, stderr=stream):
        about = {"plugin": "weather"}
        logging.getLogger("argent.host").info("%s: %s", "weather", "it rains", extra=about)

    assert stream.getvalue().endswith(" info    weather: it rains\n")
