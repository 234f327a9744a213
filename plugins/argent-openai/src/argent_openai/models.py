"""What is known about models: from the server's own list, or from a dated table of OpenAI's."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import orjson

from argent_hookspecs import FREE, ModelInfo, Price
from argent_openai.settings import Endpoint

CAREFUL_WINDOW = 8192
"""Tokens that a model of which nothing is known is taken to read; OpenAI's own read more."""
CAREFUL_OPENAI_WINDOW = 128_000

_WINDOWS = (
    "max_model_len",  # vLLM
    "context_length",  # OpenRouter, Together
    "context_window",  # Groq
    "loaded_context_length",  # LM Studio
    "max_context_length",  # Mistral
    "n_ctx",  # llama.cpp, under meta
    "n_ctx_train",
)
_OUTPUTS = ("max_completion_tokens", "max_output_tokens")
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_PRICES = {
    "input": ("prompt", "input"),
    "output": ("completion", "output"),
    "cache_read": ("input_cache_read",),
    "cache_write": ("input_cache_write",),
}


def read_list(document: Any, endpoint: Endpoint) -> list[ModelInfo]:
    """Read a list of models: https://platform.openai.com/docs/api-reference/models/list.

    Servers add to it what OpenAI does not tell. Names by which a server knows a model too are
    models as well.
    """
    entries = document.get("data") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        return []
    found: dict[str, ModelInfo] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            aliases = entry.get("aliases")
            for name in (entry["id"], *(aliases if isinstance(aliases, list) else ())):
                if isinstance(name, str) and name:
                    found.setdefault(name, _read(name, entry, endpoint))
    return list(found.values())


def serves_only_these(document: Any) -> bool:
    """Say whether the server answers with a model that it has, whichever one it is asked for.

    llama.cpp does, and nobody would notice that another model answers than the chosen one.
    """
    entries = document.get("data") if isinstance(document, dict) else None
    return (
        isinstance(entries, list)
        and bool(entries)
        and all(
            isinstance(entry, dict) and entry.get("owned_by") == "llamacpp" for entry in entries
        )
    )


def known_model(name: str, endpoint: Endpoint) -> ModelInfo | None:
    """Return what is known about a model without asking, if the window is."""
    family = _DATED.sub("", name.removeprefix("openai/"))
    row = openai_models().get(family)
    window = endpoint.settings.context_window or (row["window"] if row else None)
    return None if window is None else _info(name, endpoint, window, row or {})


def unknown_model(name: str, endpoint: Endpoint) -> ModelInfo:
    """Return a careful guess about a model of which nothing is known."""
    window = CAREFUL_OPENAI_WINDOW if endpoint.at_openai else CAREFUL_WINDOW
    return _info(name, endpoint, endpoint.settings.context_window or window, {})


def _info(name: str, endpoint: Endpoint, window: int, row: Mapping[str, Any]) -> ModelInfo:
    return ModelInfo(
        id=name,
        context_window=window,
        price=FREE if endpoint.local else None,
        max_output=row.get("output"),
        takes_images=bool(row.get("images")) and endpoint.settings.images,
    )


def _read(name: str, entry: Mapping[str, Any], endpoint: Endpoint) -> ModelInfo:
    places = [entry, *(_part(entry, key) for key in ("meta", "top_provider", "capabilities"))]
    known = known_model(name, endpoint) or unknown_model(name, endpoint)
    window = endpoint.settings.context_window or _number(places, _WINDOWS) or known.context_window
    seen = _part(entry, "architecture").get("input_modalities")
    eyes = _part(entry, "capabilities").get("vision")
    images = "image" in seen if isinstance(seen, list) else eyes
    return ModelInfo(
        id=name,
        context_window=window,
        price=FREE if endpoint.local else _price(entry.get("pricing")),
        max_output=_number(places, _OUTPUTS) or known.max_output,
        takes_images=(known.takes_images if images is None else bool(images))
        and endpoint.settings.images,
    )


def _part(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = entry.get(key)
    return part if isinstance(part, dict) else {}


def _number(places: Iterable[Mapping[str, Any]], names: Iterable[str]) -> int | None:
    for name in names:
        for place in places:
            value = place.get(name)
            if type(value) is int and value > 0:
                return value
    return None


def _price(pricing: Any) -> Price | None:
    """Read a price in dollars per token, as OpenRouter tells it; negative ones are unknown."""
    if not isinstance(pricing, dict):
        return None
    found: dict[str, Any] = {}
    for field, names in _PRICES.items():
        for name in names:
            value = pricing.get(name)
            if isinstance(value, str):
                try:
                    dollars = float(value) * 1e6
                except ValueError:
                    continue
                if math.isfinite(dollars) and dollars >= 0:
                    found.setdefault(field, round(dollars, 9))
    return Price(**found) if "input" in found and "output" in found else None


@functools.cache
def openai_models() -> Mapping[str, Any]:
    """Return the table of OpenAI's models. Reads a file, the first time."""
    text = resources.files("argent_openai").joinpath("openai_models.json").read_bytes()
    models: Mapping[str, Any] = orjson.loads(text)["models"]
    return models
