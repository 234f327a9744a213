"""Plugins that are wrong as a whole."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import Plugin, Tool, hookimpl, setting
from argent_testing import MadePlugin, PluginContract
from tests.mutants.declaring import caught_by


@frozen
class Documented:
    """Settings that explain themselves."""

    port: int = setting(8080, doc="Port to listen on.")


class TestRightPlugin(PluginContract):
    plugin = MadePlugin("right", settings=Documented)


@frozen
class Undocumented:
    """Settings that do not."""

    port: int = 8080


@caught_by("test_settings_explain_themselves", "make these settings with setting(doc=…): port")
class TestUndocumented(PluginContract):
    plugin = MadePlugin("mutant", settings=Undocumented)


class Chatty:
    """It says too much of itself."""

    name = "mutant"
    summary = "Many\nlines."

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary=self.summary)


@caught_by("test_says_who_it_is", "more than one line")
class TestChatty(PluginContract):
    plugin = Chatty()


class Nameless(Chatty):
    """It says nothing of itself."""

    summary = " "


@caught_by("test_says_who_it_is", "the summary is empty")
class TestNameless(PluginContract):
    plugin = Nameless()


class OfTomorrow(Chatty):
    """It was written for another contract."""

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Of tomorrow.", contract=99)


@caught_by("test_says_who_it_is", "it was written for contract 99")
class TestOfTomorrow(PluginContract):
    plugin = OfTomorrow()


class Misspelt(Chatty):
    """One of its hooks is none."""

    summary = "Misspelt."

    @hookimpl
    def argent_tool(self) -> list[Tool]:
        return []


@caught_by("test_says_who_it_is", "argent_tool")
class TestMisspeltHook(PluginContract):
    plugin = Misspelt()


class Fails(Chatty):
    """Its hook raises."""

    summary = "Fails."

    @hookimpl
    def argent_tools(self) -> list[Tool]:
        raise KeyError("no such setting")


@caught_by("test_says_who_it_is", "no such setting")
class TestHookRaises(PluginContract):
    plugin = Fails()


@caught_by("test_its_import_is_light", "import heavy libraries where they are used")
class TestHeavy(PluginContract):
    plugin = "tests.mutants.wrong_modules.heavy"


@caught_by("test_everything_is_under_a_contract", "Tool shrug")
class TestUncovered(PluginContract):
    plugin = "tests.mutants.wrong_modules.uncovered"
