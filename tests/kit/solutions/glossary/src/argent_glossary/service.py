"""The service: what other plugins can ask of this one.

They need not import it. Whoever declares a key of the same name,
``ServiceKey("glossary", …)``, and names it in ``Plugin(requires=…)`` or ``Plugin(uses=…)``,
finds it with ``ctx.services``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from argent_hookspecs import PluginContext, ServiceKey
from attrs import frozen


@runtime_checkable
class GlossaryApi(Protocol):
    """What can be asked: change it to what the service is for."""

    async def find(self, words: str) -> Sequence[str]:
        """Return what is found for some words, best first."""
        ...


GLOSSARY: ServiceKey[GlossaryApi] = ServiceKey("glossary", GlossaryApi)

_TERMS = {"turn": "one event, seen through to its end", "event": "what wakes the agent"}


@frozen
class OwnGlossary:
    """The service while it is open."""

    ctx: PluginContext

    async def find(self, words: str) -> Sequence[str]:
        """Return at most ``ctx.settings.most`` findings."""
        found = [f"{term}: {meaning}" for term, meaning in _TERMS.items() if words in term]
        return found[: self.ctx.settings.most]
