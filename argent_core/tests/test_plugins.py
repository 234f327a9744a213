from __future__ import annotations

import itertools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from argent_core.plugins import (
    InstalledPlugin,
    LoadedPlugin,
    compatible,
    installed_plugins,
    load,
    plugin_settings_classes,
)
from argent_hookspecs import (
    CONTRACT,
    ContextProvider,
    Filter,
    Plugin,
    PluginContext,
    PluginError,
    ServiceKey,
    Tool,
    hookimpl,
)

from .demo import Demo

CTX: Any = SimpleNamespace(name="demo")


async def nothing(*_: Any) -> Any:
    return None


def load_object(target: object) -> LoadedPlugin:
    return load(InstalledPlugin("demo", lambda: target))


def a_filter(id: str = "f", **other: Any) -> Filter:
    return Filter(**{"id": id, "event": nothing, **other})


_NUMBERS = itertools.count()  # modules stay imported from one test to the next


class Installation:
    """A folder on the import path."""

    def __init__(self, site: Path) -> None:
        self.site = site

    def add(self, distribution: str, **plugins: str) -> None:
        """Install a distribution with plugins; each is the code of a module of its own."""
        points = []
        for name, code in plugins.items():
            module = f"{distribution.replace('-', '_')}_{name}_{next(_NUMBERS)}"
            (self.site / f"{module}.py").write_text(code)
            points.append(f"{name} = {module}")
        info = self.site / f"{distribution.replace('-', '_')}-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n"
        )
        (info / "entry_points.txt").write_text("[argent]\n" + "\n".join(points) + "\n")

    def find(self, name: str) -> InstalledPlugin:
        return next(plugin for plugin in installed_plugins() if plugin.name == name)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.syspath_prepend(tmp_path)
    return Installation(tmp_path)


SOUND = """
from argent_hookspecs import Plugin, hookimpl
@hookimpl
def argent_plugin():
    return Plugin(summary="Sound.")
"""


class TestDiscovery:
    def test_plugins_are_found_by_their_entry_points_without_an_import(
        self, installation: Installation
    ) -> None:
        installation.add("argent-zeta", zeta="raise RuntimeError('imported')")
        installation.add("argent-alpha", alpha=SOUND)
        imported = set(sys.modules)

        found = installed_plugins()

        names = [plugin.name for plugin in found]
        assert names == sorted(names) and {"alpha", "zeta", "basics"} <= set(names)
        alpha = installation.find("alpha")
        assert (alpha.distribution, alpha.version, alpha.conflict) == ("argent-alpha", "2.5", "")
        new = sys.modules.keys() - imported
        assert not any(name.startswith("argent_alpha_alpha") for name in new)

    def test_one_name_in_two_distributions_is_a_conflict(self, installation: Installation) -> None:
        installation.add("their-weather", weather=SOUND)
        installation.add("my-weather", weather=SOUND)

        weather = installation.find("weather")

        assert {weather.distribution, weather.conflict} == {"my-weather", "their-weather"}

    def test_settings_classes_of_those_that_can_be_loaded(self, installation: Installation) -> None:
        code = SOUND.replace("summary=", "settings=Settings, summary=")
        settings = "from attrs import frozen\n@frozen\nclass Settings:\n    x: int = 1\n"
        installation.add("argent-good", good=settings + code)
        installation.add("argent-bad", bad="raise SystemExit('gone')")

        classes = plugin_settings_classes()

        assert classes["good"].__name__ == "Settings"
        assert "bad" not in classes


class TestLoading:
    def test_a_module_is_a_plugin(self, installation: Installation) -> None:
        installation.add("argent-alpha", alpha=SOUND)

        loaded = load(installation.find("alpha"))

        assert loaded.record == Plugin(summary="Sound.")
        assert loaded.name == "alpha" and loaded.package.startswith("argent_alpha_alpha")
        assert loaded.collect(CTX) == ()

    @pytest.mark.parametrize(
        ("code", "complaint"),
        [
            (
                "\n@hookimpl\ndef argent_tool(ctx): ...",
                "no hook argent_tool; did you mean argent_t",
            ),
            ("\n@hookimpl\ndef argent_xyzzy(ctx): ...", "there is no hook argent_xyzzy"),
            ("\ndef argent_tools(ctx): ...", "argent_tools is not marked with @hookimpl"),
            ("\ndef argent_tolos(ctx): ...", "no hook argent_tolos; did you mean argent_tools?"),
            ("\n@hookimpl\ndef argent_tools(context): ...", "'context'"),
        ],
    )
    def test_a_hook_that_is_wrong_is_said_with_advice(
        self, installation: Installation, code: str, complaint: str
    ) -> None:
        installation.add("argent-wrong", wrong=SOUND + code)

        with pytest.raises(PluginError, match=r"^wrong: ") as error:
            load(installation.find("wrong"))

        assert complaint in str(error.value)

    @pytest.mark.parametrize("answer", [None, "a plugin", Plugin, {"summary": "x"}])
    def test_a_plugin_says_who_it_is(self, answer: object) -> None:
        class Nameless:
            @hookimpl
            def argent_plugin(self) -> Any:
                return answer

        for target in (Nameless(), SimpleNamespace()):
            with pytest.raises(PluginError, match="no argent_plugin hook that returns a Plugin"):
                load_object(target)

    def test_what_it_requires_are_keys(self) -> None:
        with pytest.raises(PluginError, match="requires or uses 'memory', which is no ServiceKey"):
            load_object(Demo(requires=("memory",)))
        with pytest.raises(PluginError, match="requires or uses 7, which is no ServiceKey"):
            load_object(Demo(requires=(ServiceKey("x", object),), uses=(7,)))

    @pytest.mark.parametrize("settings", [dict, {"port": 1}, "Settings"])
    def test_its_settings_are_an_attrs_class(self, settings: object) -> None:
        with pytest.raises(PluginError, match="which is no attrs class"):
            load_object(Demo(settings=settings))

    def test_the_contract_must_be_the_same(self) -> None:
        assert compatible(Plugin(summary=""))
        assert not compatible(Plugin(summary="", contract=CONTRACT + 1))


class TestCollection:
    def test_records_come_in_the_order_of_the_hooks(self) -> None:
        provider = ContextProvider(id="p", provide=nothing)
        tool = Tool(id="t", description="", run=nothing)

        loaded = load_object(Demo(tool, provider, a_filter("b"), a_filter("a")))

        kinds = [(type(record).__name__, record.id) for record in loaded.collect(CTX)]
        assert kinds == [("Filter", "b"), ("Filter", "a"), ("ContextProvider", "p"), ("Tool", "t")]

    def test_a_hook_may_leave_ctx_out_and_may_yield(self) -> None:
        class Yields:
            @hookimpl
            def argent_plugin(self) -> Plugin:
                return Plugin(summary="")

            @hookimpl
            def argent_filters(self) -> Any:
                yield a_filter()

            @hookimpl
            def argent_tools(self, ctx: PluginContext) -> Any:
                return None

        assert [record.id for record in load_object(Yields()).collect(CTX)] == ["f"]

    @pytest.mark.parametrize(
        ("answer", "complaint"),
        [
            ([a_filter("x"), a_filter("x")], "argent_filters yielded the id 'x' twice"),
            (["a filter"], "argent_filters yielded 'a filter', not a Filter"),
            (7, "argent_filters returned 7, not a list of records"),
            ("abc", "argent_filters yielded 'a', not a Filter"),
            ([Filter], "not a Filter"),
            ([a_filter(order="first")], "yielded a Filter whose order is 'first'"),
            ([a_filter(order=None)], "yielded a Filter whose order is None"),
            ([a_filter(timeout=None)], "yielded a Filter whose timeout is None"),
            ([a_filter(timeout="long")], "yielded a Filter whose timeout is 'long'"),
            ([a_filter(id=7)], "yielded a Filter whose id is 7"),
        ],
    )
    def test_anything_else_than_sound_records_is_refused(
        self, answer: object, complaint: str
    ) -> None:
        class Wrong:
            @hookimpl
            def argent_plugin(self) -> Plugin:
                return Plugin(summary="")

            @hookimpl
            def argent_filters(self, ctx: PluginContext) -> Any:
                return answer

        with pytest.raises(PluginError) as error:
            load_object(Wrong()).collect(CTX)

        assert complaint in str(error.value)
