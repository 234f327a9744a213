from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from argent_core.paths import Home

from .conftest import Agents, Installation, Run


@pytest.fixture
def shop(agents: Agents, installation: Installation) -> Installation:
    """An agent, not running, whose models come from a shop and a larder."""
    source = (Path(__file__).parent / "shop_plugin.py").read_text()
    installation.add("argent-play", plugins="play = shop_plugin", shop_plugin=source)
    return installation


def limit(home: Home, dollars: float) -> None:
    """Say what may be spent a day."""
    budget = {"version": 1, "agent": {"plugins": ["play"]}, "budget": {"perDay": dollars}}
    home.config_file.write_text(json.dumps(budget))


def asked(installation: Installation, *words: str) -> Any:
    done = installation.run("models", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_there_is(shop: Installation) -> None:
    shown = shop.run("models", "list")

    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["TIER", "MODEL", "PROVIDER", "LOCAL", "WINDOW", "PRICE"]
    assert lines[1].split() == ["local", "pickle", "larder", "yes", "8000", "free",
                                "Install", "a", "real", "one."]  # fmt: skip
    assert lines[2].split() == ["balanced", "gold", "shop", "8000", "100", "/", "1000"]
    assert "the provider 'nobody' does not run" in lines[3]
    assert "larder (on this machine, fetches models)" in lines
    assert "  … and 8 more: argent models list --provider shop" in lines
    assert "the table is of 20" in lines[-1]


def test_what_there_is_in_json(shop: Installation) -> None:
    found = asked(shop, "list")

    gold = next(tier for tier in found["tiers"] if tier["tier"] == "balanced")
    assert (gold["local"], gold["price"]["output"], gold["price_from"]) == (False, 1000.0, "shop")
    larder, store = sorted(found["providers"], key=lambda one: str(one["provider"]))
    assert (larder["pulls"], store["pulls"], len(store["models"])) == (True, False, 20)
    assert found["prices"]["dearest"]["input"] > 0


def test_all_of_one_provider(shop: Installation) -> None:
    shown, strange = (shop.run("models", "list", "--provider", id) for id in ("shop", "none"))

    assert "model-19" in shown.stdout
    assert "larder" not in shown.stdout
    assert strange.returncode == 1
    assert 'No model provider "none" runs.' in strange.stderr


def test_a_model_is_fetched_with_progress(shop: Installation) -> None:
    shown = shop.run("models", "pull", "pickle")

    assert shown.stderr.splitlines() == ["looking", "fetching", "done"]
    assert shown.stdout.splitlines() == [
        "pickle is there, in larder.",
        "It serves the tier local.",
    ]
    assert asked(shop, "pull", "pickle") == {
        "provider": "larder",
        "model": "pickle",
        "bytes": 2_000_000,
        "serves": ["local"],
        "settings": [],
    }


def test_at_a_terminal_the_progress_stays_in_its_line(shop: Installation) -> None:
    seen = shop.talk("models", "pull", "pickle")

    assert "\rfetching  1 of 2 MB" in seen


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "nobody has a model none"),
        (["riddle"], "it gives 'a third', not a PullProgress"),
        (["pickle", "--provider", "shop"], "shop does not fetch models"),
        (["pickle", "--provider", "x"], "no model provider 'x' runs; there are: larder, shop"),
    ],
)
def test_what_cannot_be_fetched_is_said(shop: Installation, words: list[str], said: str) -> None:
    shown = shop.run("models", "pull", *words)

    assert shown.returncode == 1
    assert said in shown.stderr


def test_while_a_model_is_fetched_the_agent_can_be_asked(
    shop: Installation, agents: Agents
) -> None:
    with agents.running("models", "pull", "endless") as pull:
        pull.wait_for("fetching for ever")
        status = shop.run("status")
        pull.signal(signal.SIGINT)
        code, _ = pull.end()

    assert (status.returncode, status.stderr) == (0, "")
    assert f"process {pull.process.pid}" in status.stdout
    assert code == 130


def test_without_a_library_it_says_what_to_install(argent: Run, alone: Home) -> None:
    shown = argent("models", "pull", "x")

    assert shown.exit_code == 1
    assert "pip install argent-ollama" in shown.output


def test_what_is_free_is_tried_out_and_what_is_not_needs_a_word(shop: Installation) -> None:
    shown = shop.run("models", "test", "local"), shop.run("models", "test", "balanced")

    assert "said: You said: Count from one to ten" in shown[0].stdout
    assert "first word after" in shown[0].stdout
    assert "$0.00" in shown[0].stdout
    assert "balanced (gold): may cost up to $0." in shown[1].stderr
    assert "--yes" in shown[1].stderr
    assert "not asked" in shown[1].stdout


def test_what_it_costs_counts_in_the_budget(shop: Installation, home: Home) -> None:
    (found,) = asked(shop, "test", "balanced", "--yes")

    assert found["answer"] == "one, two, three"
    assert found["cost"] == pytest.approx((20 * 100 + 10 * 1000) / 1e6)
    assert (found["input_tokens"], found["output_tokens"]) == (20, 10)
    limit(home, 0.27)  # enough for the worst case of one such call, but not for this one besides
    refused = shop.run("models", "test", "balanced", "--yes")
    assert refused.returncode == 1
    assert "the budget for today has no room for it: $0.01 of $0.27" in refused.stdout


def test_at_a_terminal_it_asks_first(shop: Installation) -> None:
    seen = shop.talk("models", "test", "balanced", answers=[("Go on?", "y")])

    assert "this may cost up to $0." in seen
    assert "said: one, two, three" in seen


def test_a_tier_that_does_not_answer_is_a_failure(shop: Installation) -> None:
    shown, strange = (shop.run("models", "test", tier) for tier in ("powerful", "genius"))

    assert shown.returncode == strange.returncode == 1
    assert "no model provider 'nobody' runs" in shown.stdout
    assert "there is no tier 'genius'; there are: local, balanced, powerful" in strange.stderr


def test_prices_and_where_they_come_from(shop: Installation) -> None:
    (of_a_tier,) = asked(shop, "price", "gold")
    (of_a_provider,) = asked(shop, "price", "model-03", "--provider", "shop")
    (of_the_table,) = asked(shop, "price", "claude-haiku-4-5")
    (unknown,) = asked(shop, "price", "riddle", "--provider", "shop")

    assert of_a_tier["price"]["cache_read"] == 10.0
    assert (of_a_provider["provider"], of_a_provider["price_from"]) == ("shop", "shop")
    assert (of_the_table["provider"], of_the_table["price"]["input"]) == (None, 1.0)
    assert of_the_table["price_from"].startswith("the table of 20")
    assert (unknown["price_known"], unknown["price"]["input"] > 1) == (False, True)


def test_prices_for_people(shop: Installation) -> None:
    gold, riddle, free = (
        shop.run("models", "price", *words).stdout
        for words in (["gold"], ["riddle", "--provider", "shop"], ["pickle"])
    )

    assert "gold (shop), dollars per million tokens, by shop:" in gold
    assert "written  1000" in gold
    assert "What riddle (shop) costs is not known; it counts as the dearest one in" in riddle
    assert free == "pickle (larder) costs nothing.\n"


def test_a_price_that_is_not_known_names_the_models_that_may_be_meant(shop: Installation) -> None:
    shown = shop.run("models", "price", "claude-haiku-4.5")
    (found,) = asked(shop, "price", "claude-haiku-4.5")

    assert 'Did you mean "claude-haiku-4-5"' in shown.stdout
    assert "What claude-haiku-4.5 costs is not known" in shown.stdout
    assert found["near"][0] == "claude-haiku-4-5"


def test_of_an_agent_that_runs(shop: Installation, agents: Agents) -> None:
    with agents():
        pulled = shop.run("models", "pull", "pickle")
        tested = asked(shop, "test", "local")
        listed = asked(shop, "list")

    assert pulled.stderr.splitlines() == ["looking", "fetching", "done"]
    assert tested[0]["answer"].startswith("You said: Count")
    assert len(listed["providers"]) == 2


@pytest.mark.parametrize("command", ["list", "pull", "test", "price"])
def test_each_command_shows_an_example(argent: Run, command: str) -> None:
    assert f"argent models {command}" in argent("models", command, "--help").output


def test_what_may_not_be_asked_is_not_tried_either(shop: Installation, home: Home) -> None:
    routing = {"routing": {"profile": "local-only"}}
    settings = {"version": 1, "agent": {"plugins": ["play"]}, "models": routing}
    home.config_file.write_text(json.dumps(settings))

    shown = shop.run("models", "test", "balanced", "--yes")

    assert shown.returncode == 1
    assert "gold is not on this machine, and may not be asked" in shown.stdout
