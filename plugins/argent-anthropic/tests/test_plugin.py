"""What the plugin registers, its settings, and its health checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from anthropic_kit import NAMED, context
from anthropic_replay import ReplayServer

import argent_anthropic
from argent_anthropic.settings import AnthropicSettings
from argent_hookspecs import Health, Secret
from argent_testing import FakeContext


async def health(ctx: FakeContext, which: str) -> Health:
    checks = {check.id: check for check in argent_anthropic.argent_health_checks(ctx.given)}
    return await checks[which].check()


@pytest.mark.parametrize(
    ("address", "settings", "local"),
    [
        ("https://api.anthropic.com", {}, False),
        ("http://127.0.0.1:8080", {}, True),
        ("http://localhost:8080/v1", {}, True),
        ("http://[::1]:8080", {}, True),
        ("http://192.168.1.5", {}, False),
        ("http://192.168.1.5", {"local": True}, True),
        ("http://localhost:4000", {"local": False}, False),
        ("http://localhost:4000", {"api_key": NAMED}, False),
        ("http://localhost:8080", {"api_key": NAMED, "local": True}, True),
    ],
)
def test_what_is_told_stays_here_only_if_the_server_leads_nowhere_else(
    address: str, settings: dict[str, Any], local: bool
) -> None:
    ctx = context(address, **{"api_key": None, **settings})
    (provider,) = argent_anthropic.argent_model_providers(ctx.given)
    assert (provider.id, provider.local) == ("anthropic", local)


@pytest.mark.parametrize("address", ["http://here/", "http://here/v1", "http://here/v1/"])
def test_an_address_may_end_as_people_write_it(address: str) -> None:
    assert AnthropicSettings(base_url=address).root == "http://here"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "here",
        "ftp://here",
        "http://",
        "http://me:secret@here",
        "http://x:99999999",
        "http://a b",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must be an address"):
        AnthropicSettings(base_url=address)


@pytest.mark.anyio
async def test_a_server_that_answers_is_well(server: ReplayServer, ctx: FakeContext) -> None:
    assert (await health(ctx, "key")).ok
    assert (await health(ctx, "server")).ok
    assert [one.method for one in server.asked] == ["GET"]


@pytest.mark.anyio
async def test_a_gateway_without_a_list_of_models_is_well(server: ReplayServer) -> None:
    found = await health(context(f"{server.url}/gateway"), "server")
    assert found.ok
    assert "no list" in found.summary


@pytest.mark.anyio
async def test_without_a_key_the_checks_say_what_to_do() -> None:
    ctx = context("https://api.anthropic.com", api_key=None)
    ctx.secrets.values.clear()
    found, beside = await health(ctx, "key"), await health(ctx, "server")
    assert (found.ok, found.summary) == (False, "Anthropic needs a key")
    assert "argent secrets set" in found.remedy
    assert beside.ok and "not asked" in beside.summary


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_found() -> None:
    found = await health(context("http://127.0.0.1:1"), "server")
    assert not found.ok
    assert "network" in found.remedy


def test_every_setting_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for field in attrs.fields(AnthropicSettings):
        head, *rest = field.name.split("_")
        name = head + "".join(word.title() for word in rest)
        assert f"| `{name}` | {_shown(field.default)} | {field.metadata['doc']} |" in readme


def _shown(default: Any) -> str:
    if default is None:
        return "null"
    if isinstance(default, bool):
        return str(default).lower()
    value = default.ref if isinstance(default, Secret) else default
    return f"`{value}`" if isinstance(value, str) else str(value)
