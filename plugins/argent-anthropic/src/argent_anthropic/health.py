"""Whether there is a key, and whether the server answers. Neither costs anything."""

from __future__ import annotations

from attrs import frozen

from argent_anthropic.connection import Connection
from argent_anthropic.failures import NoKey, NotThere
from argent_hookspecs import Health, ModelError, ModelRejected, PluginContext

_PATIENCE = 10.0


@frozen
class AnthropicHealth:
    """Checks of the server that the settings name.

    Args:
        ctx: Settings, secrets and clock of the plugin.
    """

    ctx: PluginContext

    async def key(self) -> Health:
        """Say whether there is a key."""
        connection = Connection(self.ctx)
        try:
            key = await connection.key()
        except NoKey as error:
            return Health(False, error.what, remedy=error.remedy)
        server = connection.settings.server
        return Health(
            True, f"there is a key for {server}" if key else f"{server} is asked without a key"
        )

    async def server(self) -> Health:
        """Say whether the server answers, and takes the key."""
        connection = Connection(self.ctx)
        server = connection.settings.server
        try:
            await connection.get("/v1/models?limit=1", patience=_PATIENCE)
        except NoKey:
            return Health(True, f"{server} is not asked without its key")
        except NotThere:
            return Health(True, f"{server} answers, but has no list of models")
        except ModelError as error:
            return Health(False, str(error), remedy=_remedy(error))
        finally:
            await connection.close()
        return Health(True, f"{server} answers")


def _remedy(error: ModelError) -> str:
    if isinstance(error, ModelRejected):
        return "See the message; or correct plugins.anthropic.baseUrl."
    return "Try again later; or check the network, and plugins.anthropic.baseUrl."
