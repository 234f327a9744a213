"""Where the vectors of words are found, and what they must be."""

from __future__ import annotations

from argent_hookspecs import Pinned, WheelFile

_BUILT_FOR = (
    "--platform=manylinux2014_x86_64",
    "--implementation=cp",
    "--python-version=3.11",
    "--abi=cp311",
)

VECTORS = WheelFile(
    "wordllama/weights/l2_supercat_256.safetensors",
    16_384_096,
    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
)
TOKENIZER = WheelFile(
    "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
    1_842_796,
    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
)
WORDLLAMA = Pinned(
    title="WordLlama l2_supercat",
    requirement="wordllama==0.4.0.post1",
    sha256="42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
    files=(VECTORS, TOKENIZER),
    # The files are the same in the wheels for all machines, whose programs are not used.
    platform=_BUILT_FOR,
)
"""A vector for each of the 32,000 tokens of Llama 2."""
