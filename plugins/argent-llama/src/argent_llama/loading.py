"""From a file to a model in memory. Everything here blocks and runs in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from argent_hookspecs import ModelRejected, ModelUnavailable
from argent_llama.gguf import NotGguf, read_info
from argent_llama.models import LocalModel
from argent_llama.server import ModelServer, ServerOptions, warm
from argent_llama.weights import checksum


def load(
    model: LocalModel,
    stop: threading.Event,
    *,
    options: ServerOptions,
    report: Callable[[int], None],
) -> ModelServer:
    """Load a model.

    Args:
        model: Its file must be there.
        stop: Set to give up.
        options: How it will be run.
        report: Told how many bytes of the file are read.

    Raises:
        ModelUnavailable: A fetched file is damaged, or the model cannot be loaded.
        ModelRejected: The person's own file is missing or damaged.
    """
    try:
        _check(model, stop)
        warm(model.path, report, stop=stop)
        if stop.is_set():
            raise ModelUnavailable(f"loading {model.title} was given up")
        return ModelServer(model.path, options)
    except FileNotFoundError as error:
        raise ModelRejected(
            f"there is no file {model.path}; correct plugins.llama.model, or put it there"
        ) from error
    except (NotGguf, OSError) as error:
        raise _unusable(model, str(error)) from error
    except ModelUnavailable as error:
        if problem := find_damage(model, stop):
            raise _unusable(model, problem) from error
        raise


def find_damage(model: LocalModel, stop: threading.Event) -> str:
    """Compare a file with its checksum and say what is wrong, if something is."""
    if model.sha256 is None or checksum(model.path, stop) == model.sha256 or stop.is_set():
        return ""
    return f"its SHA-256 is not {model.sha256}"


def _check(model: LocalModel, stop: threading.Event) -> None:
    read_info(model.path)
    if model.weights is None and (problem := find_damage(model, stop)):
        raise NotGguf(problem)


def _unusable(model: LocalModel, problem: str) -> ModelUnavailable | ModelRejected:
    """Explain a damaged file. One that was fetched is removed, so that it is fetched anew."""
    if model.weights is None:
        return ModelRejected(
            f"{model.path} is damaged ({problem}); copy it there again, or correct "
            "plugins.llama.model and plugins.llama.sha256"
        )
    model.path.unlink(missing_ok=True)
    return ModelUnavailable(
        f"{model.path} is damaged ({problem}); it has been removed and is fetched anew"
    )
