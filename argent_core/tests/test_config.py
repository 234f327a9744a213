from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import fields, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from argent_core import config
from argent_core.config import files
from argent_core.config.settings import KernelSettings
from argent_core.paths import Home
from argent_hookspecs import ConfigError, Permission, Secret, setting


@frozen(kw_only=True)
class Server:
    url: str = setting(doc="Address.")
    retries: int = setting(2, doc="How often.", ge=0, le=9)


@frozen(kw_only=True)
class Weather:
    token: Secret = setting(doc="Key of the account.")
    unit: str = setting("metric", doc="Units.", choices=("metric", "imperial"))
    every: timedelta = setting(timedelta(hours=1), doc="How often.")
    ratio: float = setting(0.5, doc="Share.", ge=0)
    mode: Literal["fast", "slow"] = setting("fast", doc="How.")
    places: tuple[str, ...] = setting((), doc="Where.")
    corner: tuple[float, float] | None = setting(None, doc="Latitude and longitude.")
    cache: Path | None = setting(None, doc="Folder.")
    servers: list[Server] = setting([], doc="Servers.")
    limit: int | Literal["none"] = setting("none", doc="Limit.")


GOOD = {"token": "env:WEATHER_TOKEN"}


def write(home: Home, data: Any) -> None:
    text = data if isinstance(data, str) else json.dumps(data)
    home.config_file.write_text(text, encoding="utf-8")


def weather(**section: Any) -> Weather:
    return config.structure_plugin_settings("weather", Weather, section={**GOOD, **section})


def test_a_home_without_files_has_the_defaults(home: Home) -> None:
    loaded = config.load(home)

    assert loaded.agent.id == "argent-main"
    assert loaded.agent.workspace == home.root / "workspace"
    assert loaded.agent.plugins is None
    assert loaded.models.default == "balanced"
    assert loaded.models.routing.enabled
    assert loaded.models.routing.local_endpoint == "http://localhost:11434"
    assert loaded.loop.conversations == 8
    assert loaded.loop.turn_timeout == timedelta(minutes=10)
    assert loaded.loop.max_attempts == 5
    assert loaded.loop.max_steps == 16
    assert loaded.tools.policy == {}
    assert loaded.tools.approval_timeout == timedelta(hours=1)
    assert loaded.tools.result_limit == 16000
    assert loaded.log.level == "info"
    assert loaded.tiers == ()
    assert loaded.plugin("any") == config.PluginEntry(enabled=True, section={})


def test_what_the_person_says_holds(home: Home) -> None:
    write(
        home,
        {
            "agent": {"workspace": "~/notes", "plugins": ["llama"]},
            "loop": {"turnTimeout": "90s", "maxSteps": 3},
            "tools": {"policy": {"calc": "ask"}, "approvalTimeout": 60},
            "plugins": {"weather": {"enabled": False, "unit": "metric"}},
        },
    )

    loaded = config.load(home)

    assert loaded.agent.workspace == Path.home() / "notes"
    assert loaded.may_load("llama")
    assert not loaded.may_load("weather")
    assert loaded.loop.turn_timeout == timedelta(seconds=90)
    assert loaded.tools.policy == {"calc": Permission.ASK}
    assert loaded.tools.approval_timeout == timedelta(minutes=1)
    assert loaded.plugin("weather") == config.PluginEntry(enabled=False, section={"unit": "metric"})
    assert loaded.warnings == ()


def test_every_part_of_the_settings_holds(home: Home) -> None:
    said = {
        "agent": {"id": "mine"},
        "models": {"default": "fast"},
        "loop": {"maxSteps": 3},
        "tools": {"resultLimit": 500},
        "people": {"allow": {"telegram": ["12345"]}},
        "budget": {"perDay": 0.01, "atCap": "stop"},
        "journal": {"retention": "60d"},
        "files": {"largest": 1000},
        "storage": {"encrypted": True},
        "log": {"level": "debug"},
    }
    write(home, said)

    loaded = config.load(home)

    assert {part.name for part in fields(KernelSettings)} == set(said)
    standard = KernelSettings()
    assert [name for name in said if getattr(loaded, name) == getattr(standard, name)] == []
    assert (loaded.budget.per_day, loaded.budget.at_cap) == (0.01, "stop")


WRONG_KERNEL = [
    ([], "argent.json: expected an object {…}, found []"),
    ({"loop": 3}, "loop: expected an object {…}, found 3"),
    ({"loop": {"maxSteps": "many"}}, 'loop.maxSteps: expected a whole number, found "many"'),
    ({"loop": {"maxSteps": 2.5}}, "loop.maxSteps: expected a whole number, found 2.5"),
    ({"loop": {"maxSteps": True}}, "loop.maxSteps: expected a whole number, found true"),
    ({"loop": {"maxSteps": 0}}, "loop.maxSteps: expected at least 1, found 0"),
    ({"loop": {"conversations": 5000}}, "loop.conversations: expected at most 1000, found 5000"),
    ({"loop": {"turnTimeout": "10 parsecs"}}, "loop.turnTimeout: expected a length of time"),
    ({"loop": {"turnTimeout": 0}}, "at most 100 years, found 0"),
    ({"loop": {"turnTimeout": "99999999999d"}}, "loop.turnTimeout: expected a length of time"),
    ({"agent": {"id": None}}, "agent.id: expected text, found null"),
    ({"agent": {"workspace": ""}}, 'agent.workspace: expected a path, found ""'),
    ({"agent": {"plugins": "llama"}}, 'agent.plugins: expected a list […], found "llama"'),
    ({"agent": {"plugins": ["llama", 3]}}, "agent.plugins[1]: expected text, found 3"),
    ({"models": {"routing": {"enabled": "yes"}}}, "models.routing.enabled: expected true or false"),
    ({"tools": {"policy": []}}, "tools.policy: expected an object {…}, found []"),
    ({"tools": {"policy": {"calc": "alow"}}}, 'tools.policy.calc: expected one of "allow", "ask"'),
    ({"tools": {"policy": {"calc": "alow"}}}, 'Did you mean "allow"?'),
    ({"log": {"level": "inf"}}, 'found "inf". Did you mean "info"?'),
    ({"plugins": []}, "plugins: expected an object {…}, found []"),
    ({"plugins": {"weather": "on"}}, 'plugins.weather: expected an object {…}, found "on"'),
    ({"plugins": {"weather": {"enabled": 1}}}, "plugins.weather.enabled: expected true or false"),
    ({"version": "1"}, 'version: expected 1, found "1"'),
    ({"version": 0}, "version: expected 1, found 0"),
    ({"version": 7}, "is of version 7; this Argent knows versions up to 1. It was written by"),
    ('{"loop": {"maxSteps": 1,}}', "line 1, column"),
    ('{"loop": {"maxSteps": 1,}}', "Take the comma before the closing bracket away"),
    ('{\n  "agent": {}\n  "loop": {}\n}', "line 3, column 3"),
    ('{\n  // mine\n  "loop": {}\n}', "Comments are not supported"),
    ("{'loop': {}}", "between double quotes"),
    ("", "It is empty"),
    ('{"loop": {"maxSteps": NaN}}', "NaN is not a number in JSON"),
    ("[" * 100_000, "is nested far too deeply"),
]


@pytest.mark.parametrize(("data", "says"), WRONG_KERNEL)
def test_what_is_wrong_is_named(home: Home, data: Any, says: str) -> None:
    write(home, data)

    with pytest.raises(ConfigError) as error:
        config.load(home)

    assert says in str(error.value)
    assert "argent.json" in str(error.value)


WRONG_PLUGIN = [
    ({"token": "abc-plain-123"}, "token: expected a reference to a secret, found something else"),
    ({"token": "store:"}, "argent secrets set NAME"),
    ({"token": 17}, "token: expected a reference to a secret"),
    ({"unit": "metrc"}, 'unit: expected one of metric, imperial, found "metrc". Did you mean "met'),
    ({"every": "soon"}, 'every: expected a length of time such as "30s"'),
    ({"ratio": "half"}, 'ratio: expected a number, found "half"'),
    ({"ratio": -1}, "ratio: expected at least 0, found -1"),
    ({"mode": "fats"}, 'mode: expected one of "fast", "slow", found "fats". Did you mean "fast"?'),
    ({"places": {"a": 1}}, "places: expected a list […]"),
    ({"corner": [1.5]}, "corner: expected a list of 2, found [1.5]"),
    ({"corner": [1.5, "x"]}, 'corner[1]: expected a number, found "x"'),
    ({"cache": 3}, "cache: expected a path, found 3"),
    ({"servers": [{"url": "u"}, {}]}, "servers[1].url: expected text, found nothing. Address."),
    ({"servers": [{"URL": "u"}]}, 'servers[0].url: expected text, found nothing. You wrote "URL"'),
    ({"servers": [{"url": "u", "retries": 10}]}, "servers[0].retries: expected at most 9"),
    ({"limit": "some"}, 'limit: expected a whole number or one of "none", found "some"'),
]


@pytest.mark.parametrize(("section", "says"), WRONG_PLUGIN)
def test_what_is_wrong_in_a_plugins_section_is_named(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        weather(**section)

    assert f"argent.json: plugins.weather.{says.partition(':')[0]}" in str(error.value) or (
        says in str(error.value)
    )
    assert says in str(error.value)
    assert "abc-plain-123" not in str(error.value)


def test_a_missing_setting_says_what_it_is_for() -> None:
    with pytest.raises(
        ConfigError, match=r"weather\.token: expected a reference .*, found nothing"
    ):
        config.structure_plugin_settings("weather", Weather, section={})


def test_a_plugins_section_becomes_its_settings_class() -> None:
    made = weather(
        every="30m", ratio=1, corner=[52, 13.4], servers=[{"url": "u"}], limit=4, places=["Ulm"]
    )

    assert made == Weather(
        token=Secret("env:WEATHER_TOKEN"),
        every=timedelta(minutes=30),
        ratio=1.0,
        corner=(52.0, 13.4),
        servers=[Server(url="u")],
        limit=4,
        places=("Ulm",),
    )


def test_a_settings_class_that_makes_no_sense_is_the_plugins_fault() -> None:
    @frozen
    class Odd:
        picture: bytes = setting(doc="What?")

    with pytest.raises(ConfigError, match="the settings class Odd has a type"):
        config.structure_plugin_settings("odd", Odd, section={"picture": 3})


def test_all_errors_are_told_at_once(home: Home) -> None:
    write(home, {"loop": {"maxSteps": 0, "turnTimeout": "x"}, "log": {"level": 1}})
    home.models_file.write_text('{"tiers": [{"name": "local"}]}')

    with pytest.raises(ConfigError) as error:
        config.load(home)

    message = str(error.value)
    assert message.startswith("5 settings are wrong:")
    for place in ("loop.maxSteps", "loop.turnTimeout", "log.level", "tiers[0].provider"):
        assert place in message


ODD = [
    ({"lop": {}}, 'lop: nothing reads this setting. Did you mean "loop"?'),
    (
        {"loop": {"max_step": 1}},
        'loop.max_step: nothing reads this setting. Did you mean "maxSteps',
    ),
    ({"maxSteps": 1}, 'maxSteps: nothing reads this setting. Did you mean "loop.maxSteps"?'),
    ({"gateway": {"port": 1}}, "gateway: nothing reads this setting"),
    ('{"log": {}, "log": {}}', "log: is given twice; the last one counts"),
]


@pytest.mark.parametrize(("data", "says"), ODD)
def test_what_is_odd_is_a_warning_and_stops_nothing(home: Home, data: Any, says: str) -> None:
    write(home, data)

    loaded = config.load(home)

    assert len(loaded.warnings) == 1
    assert says in str(loaded.warnings[0])


def test_plugins_are_checked_with_their_classes(home: Home) -> None:
    write(home, {"plugins": {"weathr": {}, "weather": {"unti": 1, **GOOD}, "odd": {"any": 1}}})

    found = config.inspect(home, classes={"weather": Weather, "odd": None})

    assert found.errors == ()
    assert found.plugins == {"weather": weather()}
    assert sorted(map(str, found.warnings)) == [
        'argent.json: plugins.weather.unti: nothing reads this setting. Did you mean "unit"?',
        'argent.json: plugins.weathr: no such plugin is installed. Did you mean "plugins.weather"?',
    ]


def test_a_plugin_that_is_disabled_need_not_be_set_up(home: Home) -> None:
    write(home, {"plugins": {"weather": {"enabled": False}}})

    assert config.inspect(home, classes={"weather": Weather}).errors == ()


def test_the_persons_own_tiers_go_first(home: Home) -> None:
    home.models_file.write_text(
        '{"tiers": [{"name": "local", "provider": "llama", "model": "m", "maxOutputTokens": 99},'
        '{"name": "tiny", "provider": "llama", "model": "t", "below": 0.1},'
        '{"name": "powerful", "provider": "x", "model": "p"}]}'
    )

    local, tiny, powerful = config.load(home).tiers

    assert (local.id, local.below, local.max_output_tokens) == ("models.json:local", 0.3, 99)
    assert (tiny.below, tiny.max_output_tokens, tiny.order) == (0.1, 4096, -100)
    assert (powerful.below > 1, powerful.max_output_tokens) == (True, 16384)


@pytest.mark.parametrize(
    ("tier", "says"),
    [
        ({"name": "mine", "provider": "p", "model": "m"}, "tiers[0].below: expected a number"),
        ({"name": "local", "provider": "p", "modle": "m"}, 'You wrote "modle"'),
        ({"name": "local", "provider": "p", "model": "m", "below": 0}, "expected above 0"),
        (
            {"name": "local", "provider": "p", "model": "m", "maxOutputTokens": "x"},
            'tiers[0].maxOutputTokens: expected a whole number, found "x"',
        ),
    ],
)
def test_a_wrong_tier_is_named(home: Home, tier: dict[str, Any], says: str) -> None:
    home.models_file.write_text(json.dumps({"tiers": [tier]}))

    with pytest.raises(ConfigError) as error:
        config.load(home)

    assert "models.json: tiers[0]" in str(error.value)
    assert says in str(error.value)


def test_a_tier_that_is_given_twice_is_named(home: Home) -> None:
    tier = {"name": "local", "provider": "p", "model": "m"}
    home.models_file.write_text(json.dumps({"tiers": [tier, tier]}))

    with pytest.raises(ConfigError, match=r'tiers\[1\]\.name: "local" is given twice'):
        config.load(home)


def test_a_file_of_an_older_version_is_carried_forward(tmp_path: Path) -> None:
    path = tmp_path / "argent.json"
    path.write_text('{"loop": {"steps": 3}}')

    def rename(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "loop": {"maxSteps": data["loop"]["steps"]}}

    document = files.read(path, migrations=[rename])

    assert document.data == {"loop": {"maxSteps": 3}, "version": 2}
    assert (document.version, document.migrated) == (1, True)
    copy = files.keep_copy(path, document.version)
    assert (copy.name, copy.read_text()) == ("argent.json.v1.bak", path.read_text())


def test_a_file_of_the_newest_version_stays(tmp_path: Path) -> None:
    path = tmp_path / "argent.json"
    path.write_text('{"version": 2}')

    document = files.read(path, migrations=[lambda data: {"broken": True}])

    assert (document.data, document.migrated) == ({"version": 2}, False)


def test_setting_keeps_everything_else(home: Home) -> None:
    write(home, '{"version": 1, "zoo": {"b": 1, "a": 2}, "loop": {"maxSteps": 3}}')

    config.set_value(home, "loop.turnTimeout", text="1h30m")

    data = json.loads(home.config_file.read_text())
    assert list(data) == ["version", "zoo", "loop"]
    assert list(data["zoo"].items()) == [("b", 1), ("a", 2)]
    assert data["loop"] == {"maxSteps": 3, "turnTimeout": "1h30m"}
    assert stat.S_IMODE(home.config_file.stat().st_mode) == 0o600


def test_setting_leaves_no_other_file_behind(home: Home) -> None:
    config.set_value(home, "loop.maxSteps", text="3")
    config.set_value(home, "loop.maxSteps", text="4")

    assert [path.name for path in home.root.iterdir() if path.is_file()] == ["argent.json"]


def test_setting_follows_a_link(home: Home, tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    home.config_file.symlink_to(tmp_path / "real.json")

    config.set_value(home, "loop.maxSteps", text="3")

    assert home.config_file.is_symlink()
    assert json.loads((tmp_path / "real.json").read_text()) == {"loop": {"maxSteps": 3}}


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("loop.maxSteps", "0", "expected at least 1, found 0"),
        ("loop.maxSteps", "many", "expected a whole number"),
        ("loop", "3", "loop: expected an object"),
        ("loop..maxSteps", "3", "is not a path"),
        ("version.x", "3", "version is 1, which cannot hold version.x"),
        ("plugins.weather.token", "plain-value", "argent secrets set NAME"),
    ],
)
def test_a_wrong_value_is_not_set(home: Home, path: str, text: str, says: str) -> None:
    write(home, {"version": 1, "plugins": {"weather": GOOD}})
    before = home.config_file.read_text()

    with pytest.raises(ConfigError) as error:
        config.set_value(home, path, text=text, classes={"weather": Weather})

    assert says in str(error.value)
    assert home.config_file.read_text() == before


def test_text_that_looks_like_a_number_is_set_where_text_belongs(home: Home) -> None:
    config.set_value(home, "agent.id", text="42")

    assert config.load(home).agent.id == "42"


def test_one_of_two_errors_can_be_mended_alone(home: Home) -> None:
    write(home, {"loop": {"maxSteps": 0, "maxAttempts": 0}})

    left = config.set_value(home, "loop.maxSteps", text="3")

    assert [problem.path for problem in left.errors] == ["loop.maxAttempts"]


@given(st.integers(1, 10**15).map(lambda us: timedelta(microseconds=us)))
def test_a_length_of_time_is_read_as_it_was_written(length: timedelta) -> None:
    assert config.parse_duration(config.format_duration(length)) == length


@given(st.floats(1e-6, 1e8, allow_nan=False))
def test_seconds_are_a_length_of_time(seconds: float) -> None:
    assert config.parse_duration(seconds) == timedelta(seconds=seconds)


@given(st.text(max_size=12))
def test_any_text_is_a_length_of_time_or_refused(text: str) -> None:
    try:
        length = config.parse_duration(text)
    except ValueError:
        return
    assert length > timedelta(0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(deadline=None)  # it waits for the disk
@given(data=st.dictionaries(st.text(max_size=6), json_values, max_size=4), steps=st.integers(1, 99))
def test_setting_one_value_changes_no_other(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any], steps: int
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    data = {f"x-{key}": value for key, value in data.items()}
    write(home, data)

    config.set_value(home, "loop.maxSteps", text=str(steps))

    assert json.loads(home.config_file.read_text()) == {**data, "loop": {"maxSteps": steps}}


@given(json_values)
def test_whatever_stands_in_the_file_is_loaded_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    write(home, {"agent": value, "loop": {"turnTimeout": value}, "plugins": {"p": value}})

    found = config.inspect(home, classes={"p": Weather})

    assert (found.config is None) == bool(found.errors)
    assert all(problem.path and problem.expected for problem in found.errors)


def test_settings_are_written_as_a_person_would() -> None:
    section = config.to_json(weather(every="90s", servers=[{"url": "u"}], cache="/tmp"))

    assert section["every"] == "1m30s"
    assert section["token"] == "env:WEATHER_TOKEN"
    assert section["servers"] == [{"url": "u", "retries": 2}]
    assert config.structure_plugin_settings("weather", Weather, section=section) == weather(
        every="90s", servers=[{"url": "u"}], cache="/tmp"
    )


def test_the_schema_says_what_a_setting_is() -> None:
    schema = config.settings_schema(Weather)

    fields = schema["properties"]
    assert schema["required"] == ["token"]
    assert fields["token"]["format"] == "argent-secret"
    assert fields["unit"]["enum"] == ["metric", "imperial"]
    assert fields["every"]["default"] == "1h"
    assert fields["ratio"]["minimum"] == 0
    assert fields["places"]["items"] == {"type": "string"}
    assert fields["servers"]["items"]["required"] == ["url"]
    assert fields["cache"]["anyOf"][1] == {"type": "null"}
    assert fields["mode"]["enum"] == ["fast", "slow"]


def test_every_setting_of_the_kernel_is_explained() -> None:
    def explained(schema: dict[str, Any]) -> bool:
        return all(
            field["description"] and explained(field)
            for field in schema.get("properties", {}).values()
        )

    assert explained(config.settings_schema(config.KernelSettings))


def test_the_version_of_the_file_is_no_setting(home: Home) -> None:
    before = home.config_file.read_text() if home.config_file.exists() else ""

    with pytest.raises(ConfigError, match="not a setting"):
        config.set_value(home, "version", text="7")

    assert (home.config_file.read_text() if home.config_file.exists() else "") == before


def test_a_setting_that_is_taken_out_has_its_default_again(home: Home) -> None:
    config.set_value(home, "loop.maxSteps", text="3")
    config.set_value(home, "zoo", text="1")

    for path in ("loop.maxSteps", "zoo"):
        config.unset_value(home, path)

    assert config.load(home).loop.max_steps == 16
    assert config.inspect(home).warnings == ()


@pytest.mark.parametrize("path", ["loop.maxSteps", "zoo.a.b", "version"])
def test_what_is_not_set_cannot_be_taken_out(home: Home, path: str) -> None:
    with pytest.raises(ConfigError):
        config.unset_value(home, path)


def test_a_plugins_settings_may_stand_at_the_top_under_a_name_that_people_know(home: Home) -> None:
    config.set_value(home, "memory.autoRecall", text="false")
    config.set_value(home, "memory.enabled", text="false")

    assert config.load(home).plugin("memo") == config.PluginEntry(
        enabled=False, section={"autoRecall": False}
    )
    assert config.section_of("memo") == "memory"


def test_but_not_in_two_places(home: Home) -> None:
    config.set_value(home, "memory.autoRecall", text="false")

    with pytest.raises(ConfigError, match="Put all of them under memory"):
        config.set_value(home, "plugins.memo.autoRecall", text="true")


def test_what_is_wrong_is_named_where_it_stands(home: Home) -> None:
    config.set_value(home, "plugins.memo.autoRecall", text="false")

    with pytest.raises(ConfigError, match=r"plugins\.memo\.enabled"):
        config.set_value(home, "plugins.memo.enabled", text="7")
