"""What a person can set about the embedded model."""

from __future__ import annotations

from attrs import Attribute, frozen

from argent_hookspecs import setting
from argent_llama.catalogue import CATALOGUE, WHAT_CAN_BE_SET, is_address, is_file


@frozen
class LlamaSettings:
    """Settings of the embedded model, under ``plugins.llama``."""

    model: str = setting(
        "smollm2-135m",
        doc="Name in the catalogue, path of a GGUF file, or http(s) address of one.",
    )
    sha256: str = setting("", doc="Checksum that the file behind a path or address must have.")
    context: int = setting(
        4096, doc="Tokens of input and output together, for each answer.", ge=512, le=1_048_576
    )
    max_output: int = setting(512, doc="Tokens of the longest answer.", ge=16)
    parallel: int = setting(
        2, doc="Answers given at the same time; each takes memory for its context.", ge=1, le=16
    )
    threads: int = setting(0, doc="Threads that compute; 0: one for each processor.", ge=0, le=256)
    tools: str = setting(
        "auto",
        doc="Whether the model may call tools; auto: if it is known to do so properly.",
        choices=("auto", "always", "never"),
    )
    temperature: float = setting(
        0.0, doc="Randomness of the words; 0: always the likeliest.", ge=0.0, le=2.0
    )
    idle_unload: float = setting(
        900.0, doc="Seconds without use after which memory is given back; 0: never.", ge=0.0
    )

    @model.validator
    def _check_model(self, _: Attribute[str], model: str) -> None:
        if not (model in CATALOGUE or is_address(model) or is_file(model)):
            raise ValueError(f"must be {WHAT_CAN_BE_SET}")
