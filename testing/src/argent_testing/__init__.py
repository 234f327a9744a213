"""The test kit of Argent: whole kernels, single plugins, fakes, guards and contracts."""

from argent_testing.clock import FakeClock
from argent_testing.contracts import (
    ChannelContract,
    ContextProviderContract,
    Contract,
    EmbedderContract,
    EventSourceContract,
    FilterContract,
    HealthCheckContract,
    JobContract,
    MemoryContract,
    ModelCatalogueContract,
    ModelLibraryContract,
    ModelOutageContract,
    ModelProviderContract,
    ModelTierContract,
    ObserverContract,
    OpenedContract,
    OutputHandlerContract,
    PluginContract,
    RecordContract,
    RecordingFeed,
    ScorerContract,
    ServiceContract,
    TextEmbedderContract,
    TextExtractorContract,
    ToolContract,
)
from argent_testing.downloads import downloads_beside, downloads_of_home, have_downloaded
from argent_testing.fake_context import FakeContext, FakeSecrets, ProgressNote
from argent_testing.fake_files import FakeFiles
from argent_testing.fetched_embedders import FetchedEmbedderTests, likeness, opened_embedder
from argent_testing.guards import Canary, TaskLeaks, no_blocking, no_leaked_tasks
from argent_testing.kernels import Argent
from argent_testing.made_plugin import MadePlugin
from argent_testing.memory_channel import MemoryChannel
from argent_testing.model_server import Asked, ModelServer, PlayedReply, json_reply
from argent_testing.notices import sample_notices
from argent_testing.scripted_model import Answer, ScriptedModel, ScriptStep, ScriptUsedUp
from argent_testing.specimen import Specimen, load_plugin
from argent_testing.targets import PluginTarget
from argent_testing.waiting import eventually, hang

__all__ = [
    "Answer",
    "Argent",
    "Asked",
    "Canary",
    "ChannelContract",
    "ContextProviderContract",
    "Contract",
    "EmbedderContract",
    "EventSourceContract",
    "FakeClock",
    "FakeContext",
    "FakeFiles",
    "FakeSecrets",
    "FetchedEmbedderTests",
    "FilterContract",
    "HealthCheckContract",
    "JobContract",
    "MadePlugin",
    "MemoryChannel",
    "MemoryContract",
    "ModelCatalogueContract",
    "ModelLibraryContract",
    "ModelOutageContract",
    "ModelProviderContract",
    "ModelServer",
    "ModelTierContract",
    "ObserverContract",
    "OpenedContract",
    "OutputHandlerContract",
    "PlayedReply",
    "PluginContract",
    "PluginTarget",
    "ProgressNote",
    "RecordContract",
    "RecordingFeed",
    "ScorerContract",
    "ScriptStep",
    "ScriptUsedUp",
    "ScriptedModel",
    "ServiceContract",
    "Specimen",
    "TaskLeaks",
    "TextEmbedderContract",
    "TextExtractorContract",
    "ToolContract",
    "downloads_beside",
    "downloads_of_home",
    "eventually",
    "hang",
    "have_downloaded",
    "json_reply",
    "likeness",
    "load_plugin",
    "no_blocking",
    "no_leaked_tasks",
    "opened_embedder",
    "sample_notices",
]
