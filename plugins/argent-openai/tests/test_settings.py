"""What a person can set, and what becomes a provider."""

from __future__ import annotations

from typing import Any

import pytest
from openai_kit import context, lab
from replay import hello, refusal, replaying

import argent_openai
from argent_core.config.problems import Invalid
from argent_core.config.structure import structure
from argent_hookspecs import Health, HealthCheck, Secret
from argent_openai.settings import OpenAISettings
from argent_testing import FakeContext
from argent_testing.answers import ask, collect


def settings(**given: Any) -> OpenAISettings:
    """Read settings as they stand in ``argent.json``."""
    return structure(given, OpenAISettings)


def test_without_any_setting_there_is_openai() -> None:
    (only,) = context().providers().values()
    assert (only.id, only.local) == ("openai", False)


def test_each_address_is_a_provider() -> None:
    studio = {"baseUrl": "http://localhost:1234/v1"}
    router = {"baseUrl": "https://openrouter.ai/api/v1", "apiKey": "store:openrouter"}
    found = settings(apiKey="env:MINE", endpoints={"studio": studio, "openrouter": router})
    providers = context(found).providers()
    assert {id: one.local for id, one in providers.items()} == {
        "openai": False,
        "studio": True,
        "openrouter": False,
    }
    assert [one.key for one in found.all()] == [
        Secret("env:MINE"),
        None,
        Secret("store:openrouter"),
    ]


def test_an_address_called_openai_stands_for_the_one_at_the_top() -> None:
    found = settings(endpoints={"openai": {"baseUrl": "http://127.0.0.1:8080/v1"}})
    (only,) = context(found).providers().values()
    assert only.local


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://127.3.2.1/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://LOCALHOST/v1", True),
        ("http://models.localhost./v1", True),
        ("http://192.168.1.4:1/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
    ],
)
def test_what_is_on_this_machine_is_local(address: str, local: bool) -> None:
    assert settings(baseUrl=address).all()[0].local is local


def test_what_is_local_can_be_said_otherwise() -> None:
    assert settings(baseUrl="http://192.168.1.4/v1", local=True).all()[0].local
    assert not settings(baseUrl="http://127.0.0.1:4000/v1", local=False).all()[0].local


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"baseUrl": "localhost:1234"}, "baseUrl"),
        ({"baseUrl": "ftp://example.org"}, "baseUrl"),
        ({"baseUrl": "http://"}, "baseUrl"),
        ({"baseUrl": "http://a:99999/"}, "baseUrl"),
        ({"baseUrl": "https://me:hunter2@example.org/v1"}, "baseUrl"),
        ({"api": "chatty"}, "api"),
        ({"contextWindow": 7}, "contextWindow"),
        ({"options": {"messages": []}}, "options"),
        ({"endpoints": {"My Lab": {}}}, "endpoints"),
        ({"endpoints": {"lab": {"baseUrl": "lab"}}}, "endpoints.lab.baseUrl"),
        ({"endpoints": {"lab": {"apiKey": "sk-hunter2"}}}, "endpoints.lab.apiKey"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(given: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as raised:
        settings(**given)
    (problem,) = raised.value.problems
    assert problem.path == place
    assert "hunter2" not in f"{problem.expected} {problem.hint}"


@pytest.mark.parametrize("end", ["/v1", "/v1/"])
@pytest.mark.anyio
async def test_addresses_may_end_with_a_slash(end: str) -> None:
    async with replaying(hello()) as server:
        async with lab(server.url.removesuffix("/v1") + end).open("lab") as client:
            await collect(client, ask("Hi."))
        assert server.posted[0].path == "/v1/chat/completions"


@pytest.mark.anyio
async def test_what_an_address_asks_for_in_its_query_is_kept() -> None:
    async with replaying(hello()) as server:
        async with lab(f"{server.url}?api-version=7").open("lab") as client:
            await collect(client, ask("Hi."))
        assert server.posted[0].path == "/v1/chat/completions?api-version=7"


async def health(ctx: FakeContext) -> dict[str, Health]:
    checks: list[HealthCheck] = list(argent_openai.argent_health_checks(ctx.given))
    return {check.id: await check.check() for check in checks}


@pytest.mark.anyio
async def test_health_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    found = (await health(context()))["openai"]
    assert not found.ok
    assert "argent secrets set openai" in found.remedy
    assert found.summary == "openai has no key that can be used"
    beside = await health(lab("http://127.0.0.1:1/v1"))
    assert beside["openai"].ok
    assert not beside["lab"].ok
    assert "plugins.openai.endpoints.lab.baseUrl" in beside["lab"].remedy


@pytest.mark.anyio
async def test_health_of_an_address() -> None:
    listing = refusal(200, None)
    async with replaying(hello(), models=listing) as server:
        found = (await health(lab(server.url)))["lab"]
        assert found.ok
        server.models = refusal(401, {"message": "No."})
        found = (await health(lab(server.url)))["lab"]
        assert not found.ok
        assert "argent secrets set lab" in found.remedy and "argent" not in found.summary
