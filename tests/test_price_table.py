"""The script that makes the price table."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
OWN = json.loads((ROOT / "maintenance/own_prices.json").read_text("utf-8"))["prices"]


def made_of(entries: dict[str, Any], folder: Path) -> tuple[dict[str, Any], str]:
    """Return the table that is made of a wheel with these entries, and what the script said."""
    wheel, target = folder / "litellm-9.9.9-py3-none-any.whl", folder / "prices.json"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("litellm/model_prices_and_context_window_backup.json", json.dumps(entries))
    words: list[str | Path] = [sys.executable, ROOT / "maintenance/price_table.py", wheel, target]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return json.loads(target.read_text("utf-8")), said


def entry(dollars: float, **more: Any) -> dict[str, Any]:
    """An entry of LiteLLM's table, by the token."""
    costs = {"input_cost_per_token": dollars / 1e6, "output_cost_per_token": 5 * dollars / 1e6}
    return {"litellm_provider": "anthropic", "mode": "chat", **costs, **more}


def test_prices_are_for_a_million_tokens(tmp_path: Path) -> None:
    long = {"input_cost_per_token_above_200k_tokens": 6e-6}
    table, _ = made_of({"m": entry(3.0, **long), "picture": entry(1.0, mode="image")}, tmp_path)
    assert table["prices"]["m"] == {
        "input": 3.0,
        "output": 15.0,
        "above": 200_000,
        "long": {"input": 6.0, "output": 15.0},
    }
    assert "picture" not in table["prices"]
    assert table["source"].startswith("LiteLLM 9.9.9")


@pytest.mark.parametrize("name", sorted(OWN))
def test_gaps_are_filled_from_the_rows_of_our_own(tmp_path: Path, name: str) -> None:
    table, said = made_of({"m": entry(3.0)}, tmp_path)
    assert table["prices"][name] == OWN[name]
    assert name not in said
    table, said = made_of({name: entry(3.0)}, tmp_path)
    assert table["prices"][name]["input"] == 3.0
    assert f"{name} can go" in said
