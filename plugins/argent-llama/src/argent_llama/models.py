"""From what the person wrote to a model: a name, a path, or an address."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import frozen

from argent_hookspecs import ModelRejected
from argent_llama.catalogue import (
    CATALOGUE,
    WHAT_CAN_BE_SET,
    Address,
    CatalogueModel,
    Weights,
    is_address,
    is_file,
)


@frozen(kw_only=True)
class LocalModel:
    """A model that can be run here.

    Args:
        name: As it was asked for.
        title: Name to show.
        path: Where its file is, or will be once fetched.
        weights: How to fetch the file; None for a file of the person's own.
        sha256: Checksum of the file, if known.
        entry: What the catalogue knows of it.
    """

    name: str
    title: str
    path: Path
    weights: Weights | None = None
    sha256: str | None = None
    entry: CatalogueModel | None = None

    @property
    def calls_tools(self) -> bool:
        """Whether it is known, or at least not known not, to pick tools properly."""
        return self.entry is None or self.entry.calls_tools


def find_model(name: str, folder: Path, *, sha256: str = "") -> LocalModel:
    """Say what is meant by a name.

    Args:
        name: Name in the catalogue, path of a GGUF file, or http(s) address of one.
        folder: Where fetched files are kept.
        sha256: Checksum that the person gave for a path or an address.

    Raises:
        ModelRejected: It is none of these.
    """
    if entry := CATALOGUE.get(name):
        weights = entry.weights
        path = folder / weights.file
        return LocalModel(
            name=name,
            title=weights.title,
            path=path,
            weights=weights,
            sha256=weights.sha256,
            entry=entry,
        )
    checksum = sha256.strip().lower() or None
    if is_address(name):
        return _at_address(name, folder, checksum)
    if is_file(name):
        path = Path(name).expanduser().absolute()
        return LocalModel(name=name, title=path.stem, path=path, sha256=checksum)
    raise ModelRejected(f"there is no model {name!r}; set plugins.llama.model to {WHAT_CAN_BE_SET}")


def _at_address(url: str, folder: Path, sha256: str | None) -> LocalModel:
    parts = urlsplit(url)
    stem = re.sub(r"[^\w.-]+", "-", unquote(Path(parts.path).name)).strip(".-") or "model"
    stem = stem.removesuffix(".gguf")[:80]
    title = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    identity = hashlib.sha256(f"{url}\n{sha256 or ''}".encode()).hexdigest()[:12]
    weights = Weights(
        id=f"{stem}-{identity}",
        title=title,
        file=f"{stem}-{identity}.gguf",
        sources=(Address(url),),
        sha256=sha256,
    )
    return LocalModel(
        name=url, title=title, path=folder / weights.file, weights=weights, sha256=sha256
    )
