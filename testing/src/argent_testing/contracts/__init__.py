"""Contracts: inherit from one for each kind of thing that a plugin brings."""

from argent_testing.contracts.around import HealthCheckContract, JobContract, ObserverContract
from argent_testing.contracts.base import Contract, OpenedContract, RecordContract
from argent_testing.contracts.channels import (
    ChannelContract,
    EventSourceContract,
    OutputHandlerContract,
)
from argent_testing.contracts.context import ContextProviderContract
from argent_testing.contracts.documents import TextExtractorContract
from argent_testing.contracts.feeds import RecordingFeed
from argent_testing.contracts.filters import FilterContract
from argent_testing.contracts.memories import MemoryContract
from argent_testing.contracts.model_stores import (
    EmbedderContract,
    ModelCatalogueContract,
    ModelLibraryContract,
)
from argent_testing.contracts.models import ModelProviderContract
from argent_testing.contracts.outages import ModelOutageContract
from argent_testing.contracts.plugins import PluginContract
from argent_testing.contracts.services import ScorerContract, ServiceContract
from argent_testing.contracts.text_embedders import TextEmbedderContract
from argent_testing.contracts.tiers import ModelTierContract
from argent_testing.contracts.tools import ToolContract

__all__ = [
    "ChannelContract",
    "ContextProviderContract",
    "Contract",
    "EmbedderContract",
    "EventSourceContract",
    "FilterContract",
    "HealthCheckContract",
    "JobContract",
    "MemoryContract",
    "ModelCatalogueContract",
    "ModelLibraryContract",
    "ModelOutageContract",
    "ModelProviderContract",
    "ModelTierContract",
    "ObserverContract",
    "OpenedContract",
    "OutputHandlerContract",
    "PluginContract",
    "RecordContract",
    "RecordingFeed",
    "ScorerContract",
    "ServiceContract",
    "TextEmbedderContract",
    "TextExtractorContract",
    "ToolContract",
]
