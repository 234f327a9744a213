from __future__ import annotations

import argent_hookspecs

PINNED = [
    "CONTRACT",
    "CUT",
    "DEFAULT_PRIORITIES",
    "EMBEDDER",
    "FREE",
    "MEMORY",
    "SCORER",
    "TEXT_EXTRACTOR",
    "Address",
    "Agent",
    "Approval",
    "ApprovalAsked",
    "ArgentError",
    "BudgetReached",
    "Channel",
    "ChannelConnection",
    "Clock",
    "CommandContext",
    "ConfigError",
    "Connection",
    "ContextBlock",
    "ContextProvider",
    "ContextRequest",
    "ContextTooLong",
    "Database",
    "DatabaseDamaged",
    "Delivery",
    "DeliveryDelayed",
    "DeliveryError",
    "DeliveryRefused",
    "DiskFull",
    "DownloadFailed",
    "Downloads",
    "Draft",
    "Effect",
    "Embedder",
    "Event",
    "EventPart",
    "EventRefused",
    "EventSource",
    "Feed",
    "File",
    "FileMissing",
    "FileRefused",
    "Files",
    "Filter",
    "Finish",
    "FinishReason",
    "FinishedTurn",
    "FromOutside",
    "Health",
    "HealthCheck",
    "Image",
    "Job",
    "Listener",
    "Location",
    "Memory",
    "MemoryFilter",
    "MemoryKind",
    "MemoryStore",
    "Message",
    "MessagePart",
    "ModelCatalogue",
    "ModelClient",
    "ModelError",
    "ModelEscalated",
    "ModelInfo",
    "ModelLibrary",
    "ModelPart",
    "ModelProvider",
    "ModelRejected",
    "ModelRequest",
    "ModelTier",
    "ModelUnavailable",
    "NewMemory",
    "Notice",
    "Observer",
    "OutputHandler",
    "PairingAsked",
    "PairingRequest",
    "Permission",
    "Pinned",
    "Plugin",
    "PluginContext",
    "PluginError",
    "PluginSkipped",
    "PluginTimeout",
    "Price",
    "Priority",
    "Progress",
    "PullProgress",
    "Receipt",
    "Reject",
    "Reply",
    "ReplyChanged",
    "Role",
    "RouteSignals",
    "Score",
    "Scorer",
    "Secret",
    "SecretError",
    "Secrets",
    "Sender",
    "Service",
    "ServiceKey",
    "ServiceMissing",
    "Services",
    "SetUpContext",
    "StateChanged",
    "StorageError",
    "Text",
    "TextDelta",
    "TextEmbedder",
    "TextExtractor",
    "Thinking",
    "Tool",
    "ToolCall",
    "ToolError",
    "ToolFinished",
    "ToolResult",
    "ToolRun",
    "ToolSpec",
    "ToolStarted",
    "Transaction",
    "Trust",
    "TurnFinished",
    "TurnStarted",
    "Turns",
    "Usage",
    "WheelFile",
    "WithFiles",
    "hookimpl",
    "setting",
    "tool",
]


def test_the_exports_are_exactly_these() -> None:
    assert argent_hookspecs.__all__ == PINNED


def test_the_exports_are_sorted_constants_first_then_classes_then_functions() -> None:
    def rank(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert sorted(argent_hookspecs.__all__, key=rank) == argent_hookspecs.__all__


def test_every_export_exists_and_nothing_else_is_public() -> None:
    modules = {
        name
        for name, value in vars(argent_hookspecs).items()
        if getattr(value, "__package__", None) == "argent_hookspecs" and hasattr(value, "__file__")
    }
    public = {name for name in vars(argent_hookspecs) if not name.startswith("_")} - modules

    assert public == set(PINNED)


def test_every_class_and_function_says_what_it_is() -> None:
    silent = [
        name
        for name in PINNED
        if callable(value := getattr(argent_hookspecs, name))
        and not (value.__doc__ or "").strip().partition("\n")[0].strip()
    ]

    assert silent == []
