"""Asking: an embedder is another plugin's; whatever it does, there are vectors or an error."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Sequence

from argent_hookspecs import ModelError, ModelRejected, ModelUnavailable, TextEmbedder


async def ask(
    embedder: TextEmbedder, texts: Sequence[str], *, query: bool = False
) -> Sequence[array[float]]:
    """Ask an embedder for vectors, and take only what are such.

    Raises:
        ModelError: It has none, whatever it did instead.
    """

    async def embed() -> Sequence[array[float]]:
        vectors = [array("f", one) for one in await embedder.embed(texts, query=query)]
        if [len(vector) for vector in vectors] != [embedder.dimensions] * len(texts):
            raise ModelRejected(f"{embedder.id} returned vectors of other lengths than it says")
        if not all(math.isfinite(sum(vector)) for vector in vectors):
            raise ModelRejected(f"{embedder.id} returned vectors that are no numbers")
        return vectors

    asking = asyncio.create_task(embed())
    try:
        await asyncio.wait([asking])
    except asyncio.CancelledError:
        asking.cancel()
        await asyncio.wait([asking])
        raise
    if asking.cancelled():
        raise ModelUnavailable(f"{embedder.id} was stopped", retry_after=1.0)
    error = asking.exception()
    if error is not None and not isinstance(error, ModelError):
        said = f"{embedder.id} failed: {type(error).__name__}: {error}"
        raise ModelRejected(said) from error
    return asking.result()
