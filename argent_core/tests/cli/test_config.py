from __future__ import annotations

import json

from argent_core.paths import Home

from .conftest import Agents, Installation, Run

WEATHER = """
from collections.abc import Mapping

from argent_hookspecs import Plugin, Secret, hookimpl, setting
from attrs import Factory, frozen

@frozen
class Station:
    place: str = setting("here", doc="Where it is.")
    api_key: Secret | None = setting(None, doc="Key of the station.")

@frozen
class Settings:
    token: Secret = setting(doc="Key of the account.")
    unit: str = setting("metric", doc="Units.", choices=("metric", "imperial"))
    stations: Mapping[str, Station] = setting(Factory(dict), doc="Stations by name.")
    spare: tuple[Station, ...] | None = setting(None, doc="Further ones.")

@hookimpl
def argent_plugin():
    return Plugin(summary="The weather.", settings=Settings)
"""


def write(home: Home, text: str) -> None:
    home.create()
    home.config_file.write_text(text)


def test_show_says_what_is_in_force_and_what_is_a_default(argent: Run, home: Home) -> None:
    write(home, '{"loop": {"maxSteps": 3}}')

    lines = argent("config", "show").stdout.splitlines()

    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["loop.maxSteps"] == ["3"]
    assert rows["loop.turnTimeout"] == ['"10m"', "(default)"]
    assert rows["agent.workspace"] == [f'"{home.workspace}"', "(default)"]


def test_show_as_json(argent: Run, home: Home) -> None:
    shown = json.loads(argent("config", "show", "--json").stdout)

    assert shown["loop"]["maxSteps"] == 16
    assert shown["tools"] == {
        "policy": {},
        "people": {"paired": None, "outside": None},
        "approvalTimeout": "1h",
        "resultLimit": 16000,
    }


def test_show_a_part(argent: Run) -> None:
    assert json.loads(argent("config", "show", "log", "--json").stdout) == {"level": "info"}
    assert argent("config", "show", "log.level").stdout.split() == [
        "log.level",
        '"info"',
        "(default)",
    ]


def test_show_what_does_not_exist(argent: Run) -> None:
    ran = argent("config", "show", "lop.maxSteps")

    assert ran.exit_code == 1
    assert 'There is no setting lop.maxSteps. Did you mean "loop"?' in ran.stderr


def test_show_hides_what_may_be_a_secret_of_a_plugin_that_is_not_there(
    argent: Run, home: Home
) -> None:
    write(home, '{"plugins": {"gone": {"apiKey": "abc-plain", "unit": "metric"}}}')

    shown = argent("config", "show").stdout

    assert "abc-plain" not in shown
    assert '"metric"' in shown


def test_check_finds_everything(argent: Run, home: Home) -> None:
    write(home, '{"loop": {"maxSteps": 0, "turnTimeout": "x", "maxStep": 1}}')

    ran = argent("config", "check")

    assert ran.exit_code == 1
    assert [line.split(":")[0] for line in ran.stdout.splitlines()] == ["Error", "Error", "Warning"]


def test_check_as_json(argent: Run, home: Home) -> None:
    write(home, '{"loop": {"maxSteps": "x"}}')

    ran = argent("config", "check", "--json")

    (error,) = json.loads(ran.stdout)["errors"]
    assert ran.exit_code == 1
    assert error["path"] == "loop.maxSteps"
    assert (error["expected"], error["found"]) == ("expected a whole number", '"x"')


def test_check_is_content(argent: Run, home: Home) -> None:
    write(home, '{"loop": {"maxSteps": 3}}')

    ran = argent("config", "check")

    assert (ran.exit_code, ran.stdout) == (0, f"{home.config_file} is right.\n")


def test_set_and_show(argent: Run) -> None:
    said = argent("config", "set", "tools.policy.calc", "ask").stdout

    assert said == 'tools.policy.calc is now "ask".\n'
    assert json.loads(argent("config", "show", "tools.policy", "--json").stdout) == {"calc": "ask"}


def test_what_waits_for_the_next_start_says_so(installation: Installation, agents: Agents) -> None:
    alone = installation.run("config", "set", "storage.encrypted", "false").stderr
    with agents.running("start") as agent:
        agent.wait_for("Argent runs")
        said = installation.run("config", "set", "storage.encrypted", "true").stderr
        at_once = installation.run("config", "set", "loop.maxSteps", "3").stderr

    assert "from its next start on: argent stop, and argent start" in said
    assert "next start" not in alone + at_once


def test_set_what_nothing_reads(argent: Run) -> None:
    ran = argent("config", "set", "loop.maxStep", "3")

    assert ran.exit_code == 0
    assert "Warning: " in ran.stderr
    assert 'Did you mean "maxSteps"?' in ran.stderr


def test_set_something_wrong(argent: Run, home: Home) -> None:
    ran = argent("config", "set", "loop.maxSteps", "0")

    assert ran.exit_code == 1
    assert ran.stderr == "Error: argent.json: loop.maxSteps: expected at least 1, found 0\n"
    assert not home.config_file.exists()


def test_the_settings_of_plugins_are_known(installation: Installation) -> None:
    installation.add("argent-weather", plugins="weather = weather_plugin", weather_plugin=WEATHER)

    missing = installation.run("config", "check")
    plain = installation.run("config", "set", "plugins.weather.token", "abc-plain")
    installation.run("config", "set", "plugins.weather.token", "store:weather")
    installation.run("config", "set", "plugins.weather.unit", "imperial")
    shown = installation.run("config", "show", "plugins.weather", "--json")

    assert (
        "plugins.weather.token: expected a reference to a secret, found nothing" in missing.stdout
    )
    assert "argent secrets set NAME" in plain.stderr
    assert "abc-plain" not in plain.stderr
    assert json.loads(shown.stdout) == {
        "enabled": True,
        "token": "store:weather",
        "unit": "imperial",
        "stations": {},
        "spare": None,
    }


def test_the_schema_holds_kernel_and_plugins(installation: Installation) -> None:
    installation.add("argent-weather", plugins="weather = weather_plugin", weather_plugin=WEATHER)

    schema = json.loads(installation.run("config", "schema").stdout)

    assert schema["properties"]["loop"]["properties"]["maxSteps"]["default"] == 16
    section = schema["properties"]["plugins"]["properties"]["weather"]
    assert section["required"] == ["token"]
    assert section["properties"]["enabled"]["type"] == "boolean"
    assert section["properties"]["unit"]["enum"] == ["metric", "imperial"]


def test_what_nothing_reads_is_named_however_deep_it_is(
    installation: Installation, home: Home
) -> None:
    installation.add("argent-weather", plugins="weather = weather_plugin", weather_plugin=WEATHER)
    stations = {"roof": {"apikey": "store:roof"}, "garden": {"place": "there"}}
    section = {"token": "store:x", "stations": stations, "spare": [{"plaec": "x"}]}
    plugins = {"agent": {"plugins": ["weather"]}, "plugins": {"weather": section}}
    write(home, json.dumps(plugins))

    checked = json.loads(installation.run("config", "check", "--json").stdout)

    assert [(problem["path"], problem["hint"]) for problem in checked["warnings"]] == [
        ("plugins.weather.stations.roof.apikey", 'Did you mean "apiKey"?'),
        ("plugins.weather.spare[0].plaec", 'Did you mean "place"?'),
    ]


def test_the_schema_of_the_other_file(argent: Run) -> None:
    schema = json.loads(argent("config", "schema", "models.json").stdout)

    tier = schema["properties"]["tiers"]["items"]
    assert tier["required"] == ["name", "provider", "model"]
    assert tier["properties"]["maxOutputTokens"]["description"] == "Longest answer, in tokens."
    assert argent("config", "schema", "argent.json").stdout == argent("config", "schema").stdout


def test_check_says_what_it_could_not_look_at(argent: Run, alone: Home) -> None:
    alone.kernel_database.write_bytes(b"once upon a time " * 500)

    ran = argent("config", "check")

    assert ran.exit_code == 0
    assert f"{alone.config_file} is right.\n" in ran.stdout
    assert "What concerns tools and models was not looked at: " in ran.stderr
