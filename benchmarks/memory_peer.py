"""What another memory takes for the same; run by ``memory_peers.py`` in that memory's environment.

Reads ``texts.json``, ``questions.json`` and their vectors from a folder, and prints an object.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Told = Callable[[Sequence[str], Sequence[Any]], object]
Asked = Callable[[str, Any], object]
_BATCH = 500
_FOUND = 10


class _Ready:
    """Vectors that are there already."""

    def __init__(self, vectors: dict[str, list[float]]) -> None:
        self._vectors = vectors

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """Return the vector of a text."""
        return self._vectors[text]

    def embed_batch(self, texts: Sequence[str], memory_action: str = "add") -> list[list[float]]:
        """Return the vectors of texts."""
        return [self._vectors[text] for text in texts]


def chroma(folder: Path, vectors: dict[str, list[float]]) -> tuple[Told, Asked]:
    """Open Chroma's client of a folder, as its guide has it; it is given the vectors."""
    chromadb = importlib.import_module("chromadb")
    settings = chromadb.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(path=str(folder), settings=settings)
    space = {"hnsw": {"space": "cosine"}}
    collection = client.create_collection("chat", configuration=space, embedding_function=None)
    told = 0

    def tell(texts: Sequence[str], vectors: Sequence[Any]) -> None:
        nonlocal told
        ids = [str(told + number) for number in range(len(texts))]
        told += len(texts)
        collection.add(ids=ids, documents=list(texts), embeddings=list(vectors))

    def ask(text: str, vector: Any) -> object:
        return collection.query(query_embeddings=[vector], n_results=_FOUND)

    return tell, ask


def mem0(folder: Path, vectors: dict[str, list[float]]) -> tuple[Told, Asked]:
    """Open mem0 with its own store (Qdrant in a folder), without a language model."""
    os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(folder), "OPENAI_API_KEY": "none"}
    size = len(next(iter(vectors.values())))
    store = {"path": str(folder / "qdrant"), "embedding_model_dims": size, "on_disk": True}
    memory = importlib.import_module("mem0").Memory.from_config(
        {
            "vector_store": {"provider": "qdrant", "config": store},
            "history_db_path": str(folder / "history.db"),
        }
    )
    memory.embedding_model = _Ready(vectors)

    def tell(texts: Sequence[str], vectors: Sequence[Any]) -> None:
        messages = [{"role": "user", "content": text} for text in texts]
        memory.add(messages, user_id="somebody", infer=False)

    def ask(text: str, vector: Any) -> object:
        return memory.search(text, top_k=_FOUND, filters={"user_id": "somebody"})

    return tell, ask


def measure(name: str, folder: Path) -> dict[str, float]:
    """Tell it everything, half of it one by one, and ask."""
    texts, questions = _read(folder, "texts"), _read(folder, "questions")
    tell, ask = {"chroma": chroma, "mem0": mem0}[name](folder / name, texts | questions)
    half = len(texts) // 2
    known = list(texts.items())
    began = time.perf_counter()
    for text, vector in known[:half]:
        tell([text], [vector])
    single = time.perf_counter() - began
    began = time.perf_counter()
    for start in range(half, len(known), _BATCH):
        batch = known[start : start + _BATCH]
        tell([text for text, _ in batch], [vector for _, vector in batch])
    batched = time.perf_counter() - began
    took, cpu = [], []
    for text, vector in questions.items():
        began, worked = time.perf_counter(), time.process_time()
        ask(text, vector)
        took.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    return {
        "single_per_s": half / single,
        "batched_per_s": (len(known) - half) / batched,
        "p50_ms": statistics.median(took) * 1e3,
        "p50_cpu_ms": statistics.median(cpu) * 1e3,
    }


def _read(folder: Path, name: str) -> dict[str, list[float]]:
    vectors = importlib.import_module("numpy").load(folder / f"{name}.npy").tolist()
    texts = json.loads((folder / f"{name}.json").read_text("utf-8"))
    return dict(zip(texts, vectors, strict=True))


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
