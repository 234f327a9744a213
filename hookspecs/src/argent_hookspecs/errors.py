"""Errors that cross the contract.

::

    ArgentError
    ├── ConfigError              a setting is wrong; says which and what was expected
    │   └── SecretError          a secret's reference cannot be resolved
    ├── PluginError              a plugin broke the contract
    │   ├── PluginTimeout        it did not answer in time
    │   ├── PluginSkipped        it missed too often and is left alone for a minute
    │   └── ServiceMissing       no running plugin offers the service that was asked for
    ├── FileRefused              an attachment is not kept: too large, or no room
    ├── FileMissing              an attachment is no longer there
    ├── DownloadFailed           files that are to be fetched cannot be had; worth another try
    ├── EventRefused             the kernel takes no new work now; the source keeps the event
    ├── ModelError               a model call failed
    │   ├── ModelUnavailable     the provider cannot be reached, or asks to wait; worth another try
    │   ├── ContextTooLong       the request does not fit the model's window
    │   └── ModelRejected        the provider will never accept this request
    ├── ToolError                a tool could not do it; the text is shown to the model
    ├── DeliveryError            a reply was not sent
    │   ├── DeliveryDelayed      certainly not sent, worth another try
    │   └── DeliveryRefused      certainly not sent, and never will be
    └── StorageError             a database cannot be used
        ├── DiskFull             no room left; nothing was written
        └── DatabaseDamaged      the file is not a sound database
"""

from __future__ import annotations


class ArgentError(Exception):
    """Root of all errors that Argent raises on purpose."""


class ConfigError(ArgentError):
    """Report a wrong setting: the path of it, what was expected, what was found, what to do."""


class SecretError(ConfigError):
    """Report a secret whose reference cannot be resolved. Never carries the value."""


class PluginError(ArgentError):
    """Report a plugin that broke the contract, by name.

    Args:
        plugin: Name of the plugin.
        reason: What it did, in words for the person who runs it.
    """

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(f"{plugin}: {reason}")
        self.plugin = plugin
        self.reason = reason


class PluginTimeout(PluginError):
    """Report a plugin that did not answer before its deadline."""


class PluginSkipped(PluginError):
    """Report a call that was not made, because the plugin missed several in a row."""


class ServiceMissing(PluginError):
    """Report a service that no running plugin offers."""


class FileRefused(ArgentError):
    """Report an attachment that is not kept: it is too large, or there is no room."""


class FileMissing(ArgentError):
    """Report an attachment that is no longer there."""


class DownloadFailed(ArgentError):
    """Report files that cannot be fetched: why, and what the person can do.

    Args:
        message: What happened and what to do.
        reason: What happened alone.
        retry_after: Seconds after which another try is worth it.
    """

    def __init__(self, message: str, *, reason: str = "", retry_after: float = 60.0) -> None:
        super().__init__(message)
        self.reason = reason or message
        self.retry_after = retry_after


class EventRefused(ArgentError):
    """Report that the kernel takes no new events now. The source keeps the event."""


class ModelError(ArgentError):
    """Report a model call that failed."""


class ModelUnavailable(ModelError):
    """Report a provider that cannot be reached, is overloaded, or limits the rate.

    Args:
        message: What happened and what the person can do.
        retry_after: Seconds to wait before another try, where the provider says so.
        may_cost: Whether the provider had the request, and may charge for it, when it fell silent.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, may_cost: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.may_cost = may_cost


class ContextTooLong(ModelError):
    """Report a request that does not fit the model's window."""


class ModelRejected(ModelError):
    """Report a request that the provider will never accept: a wrong key, an unknown model."""


class ToolError(ArgentError):
    """Report that a tool could not do what it was asked. The text is shown to the model."""


class DeliveryError(ArgentError):
    """Report a reply that was not sent."""


class DeliveryDelayed(DeliveryError):
    """Report a reply that was certainly not sent and is worth another try.

    Args:
        message: What happened.
        retry_after: Seconds to wait, where the platform says so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeliveryRefused(DeliveryError):
    """Report a reply that was certainly not sent and never will be."""


class StorageError(ArgentError):
    """Report a database that cannot be used."""


class DiskFull(StorageError):
    """Report that there is no room left. Nothing of the transaction was written."""


class DatabaseDamaged(StorageError):
    """Report a file that is not a sound database."""
