"""What commands say of tiers: tried out, priced, fetched for, misspelt, at rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argent_core.paths import Home

from .conftest import Agents, Installation

Served = Callable[..., Installation]


@pytest.fixture
def served(agents: Agents, installation: Installation, home: Home) -> Served:
    """Say which provider and model serve the first tier ``local``; there is a spare one."""
    source = (Path(__file__).parent / "market_plugin.py").read_text()
    installation.add("argent-play", plugins="play = market_plugin", market_plugin=source)

    def serve(**settings: str) -> Installation:
        config = {"version": 1, "agent": {"plugins": ["play"]}, "plugins": {"play": settings}}
        home.config_file.write_text(json.dumps(config))
        return installation

    return serve


def warnings(agent: Installation) -> list[str]:
    shown = agent.run("config", "check").stdout.splitlines()
    return [line.removeprefix("Warning: ") for line in shown if line.startswith("Warning: ")]


def settings_findings(agent: Installation) -> list[str]:
    found: list[dict[str, Any]] = json.loads(agent.run("doctor", "--json").stdout)
    return [one["summary"] for one in found if one["check"] == "settings"]


class TestTryingOut:
    def test_all_tiers_of_a_name_are_tried(self, served: Served) -> None:
        shown = served().run("models", "test", "local")

        assert shown.stderr.splitlines() == [
            "asking local: onion ...",
            "asking local: turnip ...",
        ]
        assert "local: onion (shed)" in shown.stdout
        assert "local: turnip (cellar)" in shown.stdout
        assert shown.returncode == 0

    def test_the_same_model_is_tried_once_a_name(self, served: Served, home: Home) -> None:
        tier = {"name": "local", "provider": "shed", "model": "onion"}
        home.models_file.write_text(json.dumps({"version": 1, "tiers": [tier]}))

        shown = served().run("models", "test")

        assert shown.stderr.splitlines() == [
            "asking local: onion ...",
            "asking local: turnip ...",
            "asking fast: swede ...",
        ]

    def test_what_is_only_priced_is_not_called_asked(self, served: Served) -> None:
        agent = served(provider="market", model="claude-haiku-4-5")

        shown = agent.run("models", "test", "local")

        assert "asking local: claude-haiku-4-5" not in shown.stderr
        assert "local (claude-haiku-4-5): may cost up to $0.00" in shown.stderr
        assert "not asked; it may cost up to $0.00" in shown.stdout
        assert "dearest" not in shown.stdout + shown.stderr
        assert shown.returncode == 1

    def test_a_price_that_is_a_guess_is_called_one(self, served: Served) -> None:
        agent = served(provider="market", model="riddle")

        shown = agent.run("models", "test", "local")

        assert "(no known price for it, so the dearest that is known counts)" in shown.stdout
        assert "(no known price for riddle, so the dearest that is known counts)" in shown.stderr

    def test_what_was_agreed_to_is_asked_and_nothing_twice(self, served: Served) -> None:
        agent = served(provider="market", model="claude-haiku-4-5")

        seen = agent.talk("models", "test", "local", answers=[("Go on?", "y")])

        assert "said: one, two, three" in seen
        assert seen.count("asking local: turnip ...") == 1


class TestFetching:
    def test_it_says_how_to_have_the_model_used(self, served: Served) -> None:
        other, same = (served().run("models", "pull", name) for name in ("leek", "onion:latest"))

        assert "  argent config set plugins.play.model leek\n" in other.stdout
        assert "argent config set" not in same.stdout
        assert "It serves the tier local.\n" in same.stdout

    def test_a_tier_of_ones_own_is_changed_in_its_file(self, served: Served, home: Home) -> None:
        tier = {"name": "powerful", "provider": "shed", "model": "onion"}
        home.models_file.write_text(json.dumps({"version": 1, "tiers": [tier]}))

        shown = served(provider="cellar").run("models", "pull", "leek")

        assert "  name it in models.json, at tiers[0].model\n" in shown.stdout

    def test_without_a_tier_it_says_where_to_name_one(self, served: Served) -> None:
        shown = served(provider="cellar").run("models", "pull", "leek")

        assert "No tier is served by shed yet; name one in models.json.\n" in shown.stdout

    def test_of_a_provider_that_fetches_nothing(self, served: Served) -> None:
        agent = served(provider="cellar")

        shown = agent.run("models", "pull", "leek", "--provider", "cellar")

        assert shown.returncode == 1
        assert "name the one to use with: argent config set plugins.play.model leek" in shown.stderr


class TestMisspelt:
    def test_all_commands_say_what_was_probably_meant(self, served: Served) -> None:
        agent = served(provider="market", model="claude-haiku-4-55")

        status = agent.run("status").stdout
        (warning,), (finding,) = warnings(agent), settings_findings(agent)

        assert "    ! its price is not known, so it counts as the dearest that is." in status
        assert 'Did you mean "claude-haiku-4-5"' in status
        assert warning == finding
        assert warning.startswith(
            "argent.json: plugins.play.model: the table of prices has no model "
            '"claude-haiku-4-55". Did you mean "claude-haiku-4-5"'
        )

    def test_a_provider_in_a_tier_of_ones_own(self, served: Served, home: Home) -> None:
        names = ("markt", "market", "litellm")
        tiers = [
            {"name": f"t{n}", "provider": name, "model": "claude-haiku-4-5", "below": 0.5 + n}
            for n, name in enumerate(names)
        ]
        home.models_file.write_text(json.dumps({"version": 1, "tiers": tiers}))
        agent = served()

        (warning,), (finding,) = warnings(agent), settings_findings(agent)

        assert (
            warning
            == finding
            == (
                'models.json: tiers[0].provider: no model provider is called "markt". '
                'Did you mean "market"?'
            )
        )

    def test_a_provider_in_the_settings_of_a_plugin(self, served: Served) -> None:
        (warning,) = warnings(served(provider="nothing-like-it", model="x"))

        assert warning.startswith(
            "argent.json: plugins.play.provider: no model provider is called "
            '"nothing-like-it". There are: '
        )

    def test_in_a_tier_of_ones_own(self, served: Served, home: Home) -> None:
        tier = {"name": "powerful", "provider": "market", "model": "claude-haiku-4-55"}
        home.models_file.write_text(json.dumps({"version": 1, "tiers": [tier]}))

        (warning,) = warnings(served())

        assert warning.startswith("models.json: tiers[0].model: the table of prices has no")

    @pytest.mark.parametrize(
        ("provider", "model"), [("market", "claude-haiku-4-5"), ("shed", "claude-haiku-4-55")]
    )
    def test_not_what_is_right_or_free(self, served: Served, provider: str, model: str) -> None:
        agent = served(provider=provider, model=model)

        assert warnings(agent) == []
        assert "price" not in agent.run("status").stdout

    def test_the_doctor_names_what_is_like_nothing_known(self, served: Served) -> None:
        agent = served(provider="market", model="qqqqqqqq")

        (finding,) = settings_findings(agent)

        assert 'the table of prices has no model "qqqqqqqq"' in finding


class TestInOrder:
    def test_status_lists_them_as_the_models_are_listed(self, served: Served) -> None:
        agent = served()

        status = json.loads(agent.run("status", "--json").stdout)["models"]
        listed = json.loads(agent.run("models", "list", "--json").stdout)["tiers"]

        assert [tier["model"] for tier in status] == ["onion", "turnip", "swede"]
        assert [tier["model"] for tier in listed] == ["onion", "turnip", "swede"]


class TestAtRest:
    def test_a_provider_that_is_left_alone_is_named(self, served: Served, agents: Agents) -> None:
        agent = served(provider="market", model="shut")

        with agents("hello") as running:
            running.wait_for("reply home You said: hello")
            shown, as_json = agent.run("status"), agent.run("status", "--json")
            listed = agent.run("models", "list")

        (rest,) = (m["resting"] for m in json.loads(as_json.stdout)["models"] if "resting" in m)
        assert rest["failures"] == 1
        assert "    ! market rests until 20" in shown.stdout
        assert ", after 1 failure\n" in shown.stdout
        assert "market rests until 20" in listed.stdout
