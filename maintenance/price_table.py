"""Makes the price table anew from the one that LiteLLM publishes as data.

It is read out of LiteLLM's wheel; nothing of it is imported or run:

    pip download --no-deps litellm
    python maintenance/price_table.py litellm-*.whl argent_core/src/argent_core/data/prices.json

Rows of `own_prices.json` fill its gaps, until it has them too: what a vendor's own documentation
says, with its page.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_TABLE = "litellm/model_prices_and_context_window_backup.json"
_OWN = Path(__file__).with_name("own_prices.json")
_PROVIDERS = {
    "anthropic",
    "cerebras",
    "cohere_chat",
    "deepseek",
    "fireworks_ai",
    "gemini",
    "groq",
    "mistral",
    "moonshot",
    "openai",
    "openrouter",
    "perplexity",
    "together_ai",
    "xai",
    "zai",
}
_KINDS = {"chat", "responses", "completion", "embedding"}
_LONG = re.compile(r"input_cost_per_token_above_(\d+)k_tokens$")
_COSTS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}


def main(wheel: str, target: str) -> None:
    """Read a wheel and write the table."""
    with zipfile.ZipFile(wheel) as archive:
        entries = json.loads(archive.read(_TABLE))
        made = max(info.date_time for info in archive.infolist())
    own = json.loads(_OWN.read_text("utf-8"))
    theirs = {name: row for name, entry in entries.items() if (row := _row(entry))}
    prices = dict(sorted((own["prices"] | theirs).items()))
    version = Path(wheel).name.split("-")[1]
    date = datetime(*made, tzinfo=UTC) if made[0] > 1980 else datetime.now(UTC)
    table = {
        "date": date.date().isoformat(),
        "source": f"LiteLLM {version} (MIT), model_prices_and_context_window.json; where it has no "
        f"row, the vendor's own documentation of {own['date']}",
        "unit": "dollars per million tokens",
        "prices": prices,
    }
    lines = json.dumps(table, indent=1, ensure_ascii=False)
    Path(target).write_text(lines + "\n", encoding="utf-8")
    print(f"{len(prices)} prices")
    for name in sorted(own["prices"].keys() & theirs.keys()):
        print(f"{name} can go from {_OWN.name}: LiteLLM has it")


def _row(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return dollars per million tokens, or None if it is no model that is paid by the token."""
    if entry.get("litellm_provider") not in _PROVIDERS or entry.get("mode") not in _KINDS:
        return None
    row: dict[str, Any] = _costs(entry, "")
    if not {"input", "output"} <= row.keys() or not any(row.values()):
        return None
    limits = [found[1] for key in entry if (found := _LONG.match(key))]
    if limits:
        limit = min(limits, key=int)
        row |= {"above": int(limit) * 1000, "long": row | _costs(entry, f"_above_{limit}k_tokens")}
    return row


def _costs(entry: dict[str, Any], end: str) -> dict[str, float]:
    found = {name: entry.get(f"{key}{end}") for name, key in _COSTS.items()}
    return {name: round(float(c) * 1e6, 6) for name, c in found.items() if c is not None}


if __name__ == "__main__":
    main(*sys.argv[1:])
