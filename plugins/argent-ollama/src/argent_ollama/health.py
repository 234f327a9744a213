"""Whether the server answers."""

from __future__ import annotations

from argent_hookspecs import Health, ModelError, ModelUnavailable, PluginContext
from argent_ollama.client import open_client
from argent_ollama.settings import settings_of


async def check(ctx: PluginContext) -> Health:
    """Ask for the server's version and its models."""
    settings = settings_of(ctx)
    try:
        async with open_client(ctx) as client:
            version, models = await client.version(), await client.models()
    except ModelUnavailable as error:
        return Health(
            False, str(error), remedy="ollama serve; it comes from https://ollama.com/download"
        )
    except ModelError as error:
        return Health(False, str(error), remedy="see the message")
    if not models:
        return Health(
            False,
            f"Ollama {version} answers at {settings.address}, but has no model",
            remedy="argent models pull llama3.2 --provider ollama",
        )
    many = f"{len(models)} model{'' if len(models) == 1 else 's'}"
    return Health(True, f"Ollama {version} answers at {settings.address}, with {many}")
