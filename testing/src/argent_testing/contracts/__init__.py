"""Contracts: inherit from one for each kind of thing that a plugin brings."""

from argent_testing.contracts.around import (
    ContextProviderContract,
    FilterContract,
    HealthCheckContract,
    JobContract,
    ObserverContract,
    ServiceContract,
)
from argent_testing.contracts.base import Contract, OpenedContract, RecordContract
from argent_testing.contracts.channels import (
    ChannelContract,
    EventSourceContract,
    OutputHandlerContract,
    RecordingFeed,
)
from argent_testing.contracts.models import ModelProviderContract, ModelTierContract
from argent_testing.contracts.outages import ModelOutageContract
from argent_testing.contracts.plugins import PluginContract
from argent_testing.contracts.tools import ToolContract

__all__ = [
    "ChannelContract",
    "ContextProviderContract",
    "Contract",
    "EventSourceContract",
    "FilterContract",
    "HealthCheckContract",
    "JobContract",
    "ModelOutageContract",
    "ModelProviderContract",
    "ModelTierContract",
    "ObserverContract",
    "OpenedContract",
    "OutputHandlerContract",
    "PluginContract",
    "RecordContract",
    "RecordingFeed",
    "ServiceContract",
    "ToolContract",
]
