"""Settings as people break them: each is refused or warned of in words that say what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from argent_core.cli import main
from argent_core.paths import Home
from argent_hookspecs import EventSource, Feed, tool
from argent_testing import Argent as Agent
from argent_testing import MadePlugin, hang

NO_PLUGINS = '"agent": {"plugins": []}'

BROKEN: dict[str, tuple[bytes, str]] = {
    "not closed": (b'{"loop": {"maxSteps": 3}', "A comma or a colon is probably missing"),
    "no quotes": (b"{loop: 1}", "between double quotes"),
    "single quotes": (b"{'loop': {}}", "between double quotes"),
    "comment": (b'{// mine\n"loop": {}}', "Comments are not supported"),
    "hash comment": (b'# mine\n{"loop": {}}', "Comments are not supported"),
    "trailing comma": (b'{"loop": {},}', "Take the comma before the closing bracket away"),
    "missing comma": (b'{"loop": {} "log": {}}', "A comma or a colon is probably missing"),
    "two values": (b"{} {}", "line 1, column 4"),
    "byte order mark, then broken": (b'\xef\xbb\xbf{"loop": }', "line 1, column 10"),
    "UTF-16": ('{"version": 1}'.encode("utf-16"), "Save it again as UTF-8"),
    "UTF-16, no mark": ('{"version": 1}'.encode("utf-16-le"), "Save it again as UTF-8"),
    "Latin-1": ('{"agent": {"id": "Zoë"}}'.encode("latin-1"), "Save it again as UTF-8"),
    "NUL bytes": (bytes(100), "holds NUL characters"),
    "NUL at the end": (b'{"version": 1}\0', "holds NUL characters"),
    "empty": (b"", "It is empty; write {} or delete it"),
    "blank": (b" \n\t\n", "It is empty; write {} or delete it"),
    "a list": (b"[]", "expected an object {…}, found []. Settings stand between { and }"),
    "null": (b"null", "expected an object {…}, found null"),
    "a word": (b'"on"', 'expected an object {…}, found "on"'),
    "NaN": (b'{"loop": {"maxSteps": NaN}}', "NaN is not a number in JSON"),
    "Infinity": (b'{"loop": {"maxSteps": -Infinity}}', "-Infinity is not a number in JSON"),
    "too many digits": (b'{"loop": {"maxSteps": 1' + b"0" * 5000 + b"}}", "of digits. Shorten it"),
    "nested endlessly": (b'{"a":' * 100_000, "nested far too deeply"),
    "nested too deep": (
        b'{"plugins": {"x": ' + b"[" * 200 + b"]" * 200 + b"}}",
        "nested deeper than 50 levels",
    ),
    "half a character": (b'{"agent": {"id": "\\ud800"}}', "half a character (U+D800)"),
    "half a character as a name": (b'{"agent": {"\\udfff": 1}}', "half a character (U+DFFF)"),
    "a newer version": (b'{"version": 2}', "It was written by a newer Argent"),
}
"""The file as a whole cannot be read. Its content, and what is said."""

WRONG: dict[str, tuple[str, str]] = {
    "text for a number": ('"loop": {"maxSteps": "many"}', 'a whole number, found "many"'),
    "a fraction for a whole number": ('"loop": {"maxSteps": 1.5}', "a whole number, found 1.5"),
    "a number for a switch": ('"models": {"routing": {"enabled": 1}}', "expected true or false"),
    "a list for a section": ('"loop": []', "loop: expected an object {…}, found []"),
    "negative": ('"loop": {"maxSteps": -1}', "expected at least 1, found -1"),
    "huge": ('"loop": {"maxSteps": 1' + "0" * 90 + "}", "expected at most 1000, found 1000"),
    "no length of time": ('"loop": {"turnTimeout": "soon"}', 'such as "30s", "10m" or "1h"'),
    "no time at all": ('"loop": {"turnTimeout": "0s"}', "longer than zero"),
    "negative time": ('"loop": {"turnTimeout": -5}', "longer than zero"),
    "an age": ('"tools": {"approvalTimeout": "9999999w"}', "at most 100 years"),
    "no such choice": ('"log": {"level": "inof"}', 'Did you mean "info"?'),
    "no such permission": ('"tools": {"policy": {"calc": "always"}}', '"allow", "ask", "deny"'),
    "empty name": ('"agent": {"id": ""}', "agent.id: expected a name of 1 to 64 letters"),
    "blank name": ('"agent": {"id": "  "}', "agent.id: expected a name"),
    "control characters in a name": ('"agent": {"id": "a\\nb\\u001b[2J"}', "agent.id: expected"),
    "NUL in a name": ('"agent": {"id": "a\\u0000"}', "agent.id: expected a name"),
    "endless name": ('"agent": {"id": "' + "x" * 100_000 + '"}', "agent.id: expected a name"),
    "empty path": ('"agent": {"workspace": ""}', 'agent.workspace: expected a path, found ""'),
    "NUL in a path": ('"agent": {"workspace": "a\\u0000b"}', "agent.workspace: expected a path"),
    "a file as a folder": ('"agent": {"workspace": "argent.json"}', "expected a folder, found the"),
    "a path below a file": ('"agent": {"workspace": "argent.json/x"}', "expected a folder"),
    "endless path": ('"agent": {"workspace": "' + "x" * 5000 + '"}', "Choose a shorter name"),
    "a section of a plugin that is none": ('"plugins": {"x": 1}', "plugins.x: expected an object"),
    "plugins in a list": ('"plugins": ["llama"]', "plugins: expected an object {…}"),
    "a plugin half enabled": ('"plugins": {"x": {"enabled": "no"}}', "expected true or false"),
    "version as text": ('"version": "1"', 'version: expected 1, found "1"'),
}
"""Something in the file cannot be. What stands there, and what is said."""

ODD: dict[str, tuple[str, str]] = {
    "unknown setting": ('"loop": {"maxStep": 1}', 'nothing reads this setting. Did you mean "max'),
    "unknown section": ('"lop": {"maxSteps": 1}', 'nothing reads this setting. Did you mean "loop'),
    "in the wrong section": ('"log": {"maxSteps": 1}', 'Did you mean "loop.maxSteps"?'),
    "given twice": ('"loop": {"maxSteps": 1, "maxSteps": 2}', "is given twice; the last one count"),
    "unknown plugin": ('"plugins": {"lama": {}}', 'no such plugin is installed. Did you mean "pl'),
    "unknown plugin in the list": ('"agent": {"plugins": ["x"]}', 'no plugin "x" is installed'),
    "unknown tier": ('"models": {"default": "nosuch"}', 'no tier "nosuch" is known'),
    "budget of an unknown tier": ('"budget": {"tiers": {"fats": 1}}', "this limits nothing"),
    "unknown tier for a topic": (
        '"models": {"routing": {"floors": {"code": "fats"}}}',
        'models.routing.floors.code: no tier "fats" is known',
    ),
    "misspelt tier": ('"models": {"default": "balnced"}', 'Did you mean "balanced"?'),
}
"""Something in the file does nothing."""

Run = Callable[..., Result]


@pytest.fixture
def argent(home: Home, tmp_path: Path) -> Run:
    environ = {"ARGENT_HOME": str(home.root), "ARGENT_CACHE": str(tmp_path / "cache")}

    def run(*words: str) -> Result:
        return CliRunner(env=environ).invoke(main, words, input="", prog_name="argent")

    return run


@pytest.fixture
def argent_agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def write(home: Home, content: str | bytes) -> None:
    home.config_file.write_bytes(content.encode() if isinstance(content, str) else content)
    home.config_file.chmod(0o600)


def assert_refused(shown: Result, says: str) -> None:
    """Check that a command ended with one clear error, and with nothing on standard output."""
    assert isinstance(shown.exception, SystemExit), shown.exception
    assert shown.exit_code == 1
    assert shown.stderr.startswith("Error: ") and says in shown.stderr
    assert "Traceback" not in shown.stderr
    assert shown.stdout == ""


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(
    argent: Run, home: Home, case: str
) -> None:
    content, says = BROKEN[case]
    write(home, content)

    shown = argent("events", "list", "--json")

    assert_refused(shown, says)
    assert str(home.config_file) in shown.stderr
    assert home.config_file.read_bytes() == content


@pytest.mark.parametrize("case", WRONG)
def test_a_setting_that_cannot_be_is_named_with_what_it_should_be(
    argent: Run, home: Home, case: str
) -> None:
    inside, says = WRONG[case]
    write(home, content := f"{{{inside}}}")

    assert_refused(argent("events", "list", "--json"), says)
    assert home.config_file.read_text() == content


@pytest.mark.parametrize("case", ODD)
def test_what_does_nothing_is_warned_of_and_stops_nothing(
    argent: Run, home: Home, case: str
) -> None:
    inside, says = ODD[case]
    write(home, f"{{{inside}}}")

    shown = argent("config", "check")

    assert shown.exit_code == 0
    assert "Warning: argent.json: " in shown.stdout and says in shown.stdout


COMMANDS = (
    ("start", "--quiet"),
    ("status", "--json"),
    ("chat", "--message", "Hello", "--json"),
    ("config", "show", "--json"),
    ("config", "set", "loop.maxSteps", "5", "--json"),
    ("config", "unset", "loop.maxSteps"),
    ("init", "--yes", "--json"),
    ("plugins", "list", "--json"),
    ("plugins", "disable", "llama"),
    ("events", "list", "--json"),
    ("replies", "list", "--json"),
    ("approvals", "list", "--json"),
    ("trace", "--json"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_so_and_leaves_the_file_alone(
    argent: Run, home: Home, command: tuple[str, ...]
) -> None:
    write(home, b'{"loop": {},}')

    assert_refused(argent(*command), "Take the comma before the closing bracket away")
    assert home.config_file.read_bytes() == b'{"loop": {},}'


def test_doctor_and_check_say_it_in_json(argent: Run, home: Home) -> None:
    write(home, b'{"loop": {},}')

    for command in (("doctor", "--json"), ("config", "check", "--json")):
        shown = argent(*command)
        json.loads(shown.stdout)
        assert shown.exit_code == 1
        assert "Take the comma before the closing bracket away" in shown.stdout


def test_a_byte_order_mark_does_no_harm(argent: Run, home: Home) -> None:
    write(home, b"\xef\xbb\xbf{" + NO_PLUGINS.encode() + b"}")

    assert argent("config", "check").exit_code == 0


def test_a_wrong_setting_does_not_keep_another_from_being_mended(argent: Run, home: Home) -> None:
    write(home, '{"agent": {"id": "", "plugins": []}, "loop": {"maxSteps": "many"}}')

    shown = argent("config", "set", "loop.maxSteps", "5")

    assert shown.exit_code == 0 and "Warning: argent.json: agent.id" in shown.stderr
    assert argent("config", "set", "agent.id", "ada").exit_code == 0
    assert argent("config", "check").exit_code == 0


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("agent.id", "", "agent.id: expected a name"),
        ("agent.workspace", "argent.json", "expected a folder"),
        ("loop.turnTimeout", "soon", "a length of time"),
        ("plugins.x.y", "[" * 200 + "]" * 200, "nested deeper than 50 levels"),
        (".".join("x" * 60), "1", "is not a path of a setting"),
        ("loop..maxSteps", "1", "is not a path of a setting"),
        ("agent.id.x", "1", "which cannot hold agent.id.x"),
    ],
)
def test_what_cannot_be_is_not_set(
    argent: Run, home: Home, path: str, value: str, says: str
) -> None:
    write(home, content := '{"agent": {"id": "ada", "plugins": []}}')

    assert_refused(argent("config", "set", path, value), says)
    assert home.config_file.read_text() == content


class TestNoFile:
    """What is in the place of the file is none."""

    def refused(self, argent: Run, says: str) -> None:
        for command in (
            ("events", "list"),
            ("config", "set", "loop.maxSteps", "5"),
            ("init", "-y"),
        ):
            assert_refused(argent(*command), says)

    def test_a_folder(self, argent: Run, home: Home) -> None:
        home.config_file.mkdir()

        self.refused(argent, "argent.json: is not a file. Move it away")

    def test_a_link_that_leads_nowhere(self, argent: Run, home: Home) -> None:
        home.config_file.symlink_to(home.root / "gone.json")

        self.refused(argent, "gone.json, where nothing is. Bring that file back")
        assert home.config_file.is_symlink()

    def test_a_link_to_itself(self, argent: Run, home: Home) -> None:
        home.config_file.symlink_to(home.config_file)

        self.refused(argent, "Remove the link, which leads back to itself")

    def test_a_pipe_is_not_waited_for(self, argent: Run, home: Home) -> None:
        os.mkfifo(home.config_file)

        self.refused(argent, "argent.json: is not a file")


def test_the_models_file_is_named_where_it_is_wrong(argent: Run, home: Home) -> None:
    write(home, f"{{{NO_PLUGINS}}}")
    home.models_file.write_text('{"tiers": [,]}')

    assert_refused(argent("events", "list"), f"{home.models_file}: is not JSON at line 1")

    home.models_file.write_text('{"tiers": [{"name": "mine", "provider": "p", "model": "m"}]}')

    assert_refused(argent("events", "list"), "models.json: tiers[0].below: expected a number")


class Stopped:
    """A clock that does not tick."""

    async def listen(self, feed: Feed) -> None:
        await hang()


class TestIdle:
    """What is set and concerns nothing that is there."""

    @pytest.mark.anyio
    async def test_it_is_said_at_the_start(
        self, argent_agent: Agent, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings = {"tools": {"policy": {"shuot": "deny"}}, "models": {"default": "nosuch"}}

        @tool
        async def shout() -> str:
            """Shout."""
            return "!"

        async with argent_agent(plugins=[MadePlugin("loud", shout)], config=settings):
            pass

        said = [record.getMessage() for record in caplog.records]
        assert any(
            'policy.shuot: no tool that is there is called so. Did you mean "shout' in line
            for line in said
        )
        assert any(
            'no tier that is there is called "nosuch"; another answers' in line for line in said
        )

    @pytest.mark.anyio
    async def test_a_budget_of_a_source_that_is_not_there(
        self, argent_agent: Agent, caplog: pytest.LogCaptureFixture
    ) -> None:
        budget = {"sources": {"memroy": 1.0, "memory": 1.0, "loud": 1.0, "clock": 1.0}}
        clock = EventSource(id="clock", open=lambda: nullcontext(Stopped()))
        plugins = [MadePlugin("loud"), MadePlugin("ticking", clock)]
        async with argent_agent(plugins=plugins, config={"budget": budget}):
            pass

        said = [line for record in caplog.records if "budget" in (line := record.getMessage())]
        assert said == [
            "argent.json: budget.sources.memroy: no event source that is there is called "
            '"memroy"; this limits nothing. Did you mean "memory"?'
        ]

    @pytest.mark.anyio
    async def test_people_of_a_channel_that_is_not_there(
        self, argent_agent: Agent, caplog: pytest.LogCaptureFixture
    ) -> None:
        people = {"owners": {"memroy": ["ada"]}, "allow": {"memory": ["bob"]}}
        config = {"people": people, "tools": {"people": {"paired": ["nosuch"]}}}
        async with argent_agent(config=config):
            pass

        said = [line for record in caplog.records if "people." in (line := record.getMessage())]
        assert said == [
            "argent.json: people.owners.memroy: no channel that is there is called "
            '"memroy"; this lets nobody in. Did you mean "memory"?',
            'argent.json: tools.people.paired: no tool that is there is called "nosuch"',
        ]

    def test_doctor_says_what_to_do(self, argent: Run, home: Home) -> None:
        write(home, '{"agent": {"plugins": []}, "tools": {"policy": {"nosuch": "deny"}}}')

        found = json.loads(argent("doctor", "--json").stdout)

        [idle] = [one for one in found if "tools.policy.nosuch" in one["summary"]]
        assert not idle["ok"] and idle["remedy"].startswith(
            "argent config unset tools.policy.nosuch"
        )

    @pytest.mark.anyio
    async def test_a_pattern_that_concerns_a_tool_is_not_idle(
        self, argent_agent: Agent, caplog: pytest.LogCaptureFixture
    ) -> None:
        @tool
        async def shout() -> str:
            """Shout."""
            return "!"

        settings = {"tools": {"policy": {"sh*": "deny"}}}
        async with argent_agent(plugins=[MadePlugin("loud", shout)], config=settings):
            pass

        assert not any("tools.policy" in record.getMessage() for record in caplog.records)
