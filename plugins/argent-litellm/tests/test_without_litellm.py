"""What holds whether LiteLLM is installed or not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from argent_hookspecs import ModelProvider
from argent_litellm.library import INSTALL, PINNED, wrong_version
from argent_litellm.settings import LiteLLMSettings


def test_the_pinned_version_is_that_of_the_extra() -> None:
    text = Path(__file__).parent.with_name("pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]

    assert project["optional-dependencies"] == {"sdk": [f"litellm=={PINNED}"]}
    assert not [name for name in project["dependencies"] if name.startswith("litellm")]


def test_every_file_that_comes_with_it_is_pinned_by_its_hash() -> None:
    lines = Path(__file__).parent.with_name("constraints.txt").read_text("utf-8").splitlines()
    told = [line.strip() for line in lines if not line.startswith("#")]
    pins = [n for n, line in enumerate(told) if not line.startswith("--hash=sha256:")]

    assert f"litellm=={PINNED} \\" in told
    assert all("==" in told[n] and told[n + 1].startswith("--hash=") for n in pins)
    assert "://" not in "".join(lines)
    assert len(pins) > 50


@pytest.mark.parametrize(
    "name",
    ["model", "n", "stream", "stream_options", "max_tokens", "max_completion_tokens", "fallbacks"],
)
def test_what_argent_fills_in_is_no_option(name: str) -> None:
    with pytest.raises(ValueError, match=f"must be without {name}, which Argent fills in"):
        LiteLLMSettings(options={name: 5, "temperature": 0.3})
    with pytest.raises(ValueError, match=f"must be without {name}, which Argent fills in"):
        LiteLLMSettings(options={"extra_body": {name: 5}})


@pytest.mark.anyio
async def test_it_is_never_taken_for_local(load_plugin: Any) -> None:
    async with load_plugin("argent_litellm") as plugin:
        (provider,) = plugin.of(ModelProvider)

        assert not provider.local


@pytest.mark.skipif(not wrong_version(), reason="LiteLLM is installed")
@pytest.mark.anyio
async def test_without_it_a_person_is_told_what_to_install(load_plugin: Any) -> None:
    from argent_hookspecs import Message, ModelRejected, ModelRequest, Role

    request = ModelRequest(model="groq/x", messages=(Message(Role.USER, "Hi."),))
    async with load_plugin("argent_litellm") as plugin:
        client = plugin.live(plugin.of(ModelProvider)[0])
        with pytest.raises(ModelRejected) as caught:
            [part async for part in client.stream(request)]
        info = await client.describe("groq/x")

    assert INSTALL in str(caught.value)
    assert info.context_window == 8192
