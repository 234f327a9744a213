"""Wrong health checks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from attrs import frozen

from argent_hookspecs import Health, HealthCheck, Secret, setting
from argent_testing import HealthCheckContract, MadePlugin, Specimen, hang
from tests.mutants.declaring import bringing, caught_by, stubborn

KEY = "sk-mutant-1234567890"


class Printer:
    """What is looked after."""

    on = True

    async def check(self) -> Health:
        """Look whether it is on."""
        await asyncio.sleep(0)
        return Health(self.on, "the printer is on" if self.on else "it is off", self.remedy)

    @property
    def remedy(self) -> str:
        return "" if self.on else "Switch the printer on."


class PrinterContract(HealthCheckContract):
    """The contract, with a hand at the switch."""

    printer: ClassVar[Printer]

    @pytest.fixture(autouse=True)
    def _switched_on(self) -> None:
        self.printer.on = True

    async def harm(self, specimen: Specimen) -> None:
        self.printer.on = False


def a_check(check: Any, **options: Any) -> MadePlugin:
    return bringing(HealthCheck(id="h", check=check, **options))


class TestRightCheck(PrinterContract):
    printer = Printer()
    plugin = a_check(printer.check)


class Optimist(Printer):
    async def check(self) -> Health:
        return Health(True, "all is well")


@caught_by("test_finds_what_is_wrong", "all checks say: all is well")
class TestOptimist(PrinterContract):
    printer = Optimist()
    plugin = a_check(printer.check)


class Remembers(Printer):
    """It looks once."""

    found: Health | None = None

    async def check(self) -> Health:
        self.found = self.found or await super().check()
        return self.found


class RemembersContract(PrinterContract):
    async def harm(self, specimen: Specimen) -> None:
        for check in self.records(specimen):
            await check.check()
        await super().harm(specimen)


@caught_by("test_finds_what_is_wrong", "all checks say: the printer is on")
class TestRemembersItsAnswer(RemembersContract):
    printer = Remembers()
    plugin = a_check(printer.check)


class NoRemedy(Printer):
    remedy = ""


@caught_by("test_finds_what_is_wrong", "does not say what to do")
class TestNoRemedyInNeed(PrinterContract):
    printer = NoRemedy()
    plugin = a_check(printer.check)


async def on_fire() -> Health:
    return Health(False, "the disk is on fire")


@caught_by("test_says_how_it_is", "h does not say what to do")
class TestNoRemedy(HealthCheckContract):
    plugin = a_check(on_fire)


async def silent() -> Health:
    return Health(True, "")


@caught_by("test_says_how_it_is", "h does not say what it found")
class TestSaysNothing(HealthCheckContract):
    plugin = a_check(silent)


async def truth() -> bool:
    return True


@caught_by("test_says_how_it_is", "h returned True")
class TestBareTruth(HealthCheckContract):
    plugin = a_check(truth)


async def raises() -> Health:
    raise ConnectionRefusedError("nobody there")


@caught_by("test_says_how_it_is", "nobody there")
class TestRaisesInstead(HealthCheckContract):
    plugin = a_check(raises)


@caught_by("test_says_how_it_is", "health check h took longer than")
class TestCheckHangs(HealthCheckContract):
    plugin = a_check(hang, timeout=0.2)


@caught_by("test_can_be_cancelled", "did not end within")
class TestChecksOn(HealthCheckContract):
    plugin = a_check(stubborn)


@frozen
class Keyed:
    """Settings with a secret."""

    key: Secret | None = setting(None, doc="The key.")


async def tells() -> Health:
    return Health(False, f"the key {KEY} is refused", "Get another key.")


@caught_by("test_says_how_it_is", "health check h shows a secret")
class TestTellsTheKey(HealthCheckContract):
    plugin = MadePlugin("keyed", HealthCheck(id="h", check=tells), settings=Keyed)
    settings: ClassVar[Mapping[str, Any]] = {"key": "env:ARGENT_MUTANT_KEY"}

    @pytest.fixture
    def plugin_settings(self, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
        monkeypatch.setenv("ARGENT_MUTANT_KEY", KEY)
        return self.settings


@caught_by("test_says_how_it_is", "Blocking call to time.sleep")
class TestCheckBlocks(HealthCheckContract):
    plugin = "tests.mutants.wrong_modules.blocking"
