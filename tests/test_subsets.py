"""Any subset of the shipped plugins boots, fetches nothing, and says if it has no model."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest

from argent_core.paths import Home
from argent_testing import Argent

SHIPPED = sorted(
    folder.name.removeprefix("argent-")
    for folder in (Path(__file__).parent.parent / "plugins").glob("argent-*")
)
EVERY_SUBSET_UP_TO = 6
MODELS = (
    {"llama"},
    {"ollama", "tier-local"},
    *({"anthropic", f"tier-{name}"} for name in ("fast", "balanced", "powerful")),
)
"""What it takes to have a model: a provider, and a tier that names it."""

NO_MODEL = "no model is there to answer"


def subsets() -> list[tuple[str, ...]]:
    """Return every subset; of many plugins, none, each alone, all but each, all, and each model.

    Of any three plugins each part is there in one of these while the rest is missing. So whatever
    three plugins at most bring about by being there, or by missing, shows.
    """
    sizes = list(range(len(SHIPPED) + 1))
    models: list[tuple[str, ...]] = []
    if len(SHIPPED) > EVERY_SUBSET_UP_TO:
        sizes = [*sizes[:2], *sizes[-2:]]
        models = [tuple(sorted(names)) for names in MODELS if len(names) > 1]
    return [names for n in sizes for names in itertools.combinations(SHIPPED, n)] + models


def test_of_any_three_plugins_each_part_is_tried() -> None:
    tried = set()
    for names in subsets():
        tried |= set(itertools.combinations([(name, name in names) for name in SHIPPED], 3))

    assert len(tried) == 8 * math.comb(len(SHIPPED), 3)


def name_of(names: tuple[str, ...]) -> str:
    return "+".join(names) or "none"


def complaints(home: Home) -> list[str]:
    """Return the lines of a log that are warnings or worse."""
    lines = (home.logs / "argent.log").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [r["message"] for r in records if r["level"] not in ("debug", "info")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def has_model(names: tuple[str, ...]) -> bool:
    return any(model <= {*names} for model in MODELS)


@pytest.mark.anyio
@pytest.mark.parametrize("names", subsets(), ids=name_of)
async def test_a_subset_starts_and_stops(argent: Argent, names: tuple[str, ...]) -> None:
    async with argent(plugins=names) as kernel:
        states = {p["name"]: (p["state"], p["reason"]) for p in kernel.agent.plugins()}
        status = await kernel.agent.status()
        fetched = [path for path in argent.home.plugins.rglob("*") if path.is_file()]
        answer = "" if has_model(names) else await argent.channel.ask("Hello?")

    assert states == dict.fromkeys((*names, "memory"), ("running", ""))
    models = status["models"]
    alone = [model for model in models if model["provider"] not in names]
    assert [model for model in models if "problem" in model] == alone
    assert [line for line in complaints(argent.home) if NO_MODEL not in line] == []
    assert [path for path in fetched if path.stat().st_size > 100_000] == []
    assert (NO_MODEL in answer) is not has_model(names)
