"""Whether an address answers, and takes the key."""

from __future__ import annotations

import os

from argent_hookspecs import Health, ModelError, ModelRejected, PluginContext
from argent_openai.client import open_client
from argent_openai.complaints import NoKey
from argent_openai.settings import OPENAI_KEY, Endpoint


async def check(ctx: PluginContext, endpoint: Endpoint) -> Health:
    """Ask for the list of models."""
    variable = OPENAI_KEY.ref.partition(":")[2]
    if endpoint.key == OPENAI_KEY and not os.environ.get(variable) and len(ctx.settings.all()) > 1:
        return Health(True, f"{endpoint.id} has no key, and is not used")
    try:
        async with open_client(ctx, endpoint) as client:
            models = await client.models()
    except NoKey as error:
        return Health(False, error.what, remedy=error.remedy)
    except ModelRejected as error:
        remedy = f"argent config set {endpoint.place}.baseUrl ADDRESS"
        return Health(False, str(error), remedy=remedy)
    except ModelError as error:
        return Health(
            False,
            str(error),
            remedy=f"Start the server, or correct {endpoint.place}.baseUrl."
            if endpoint.here
            else f"Check the network and {endpoint.place}.baseUrl.",
        )
    many = f"{len(models)} model{'' if len(models) == 1 else 's'}"
    return Health(True, f"{endpoint.id} answers at {endpoint.shown}, with {many}")
