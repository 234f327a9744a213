"""Other programs of the same person reach the memory, and nobody else does."""

from __future__ import annotations

import asyncio
import io
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import define

import argent_memo
from argent_hookspecs import NewMemory, Trust
from argent_testing import Argent, MadePlugin, eventually

from .conftest import Neighbour

pytestmark = pytest.mark.anyio

KEY = "ghp_" + "a1B2" * 9


@pytest.fixture
def port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])


@define
class Client:
    """Another program."""

    session: aiohttp.ClientSession
    port: int
    token: str
    home: Path

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Ask, and return the status and what was answered."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, headers=headers, **more) as response:
            assert response.content_type == "application/json"
            return response.status, await response.json()

    async def keep(self, text: str, **more: Any) -> int:
        status, answer = await self.ask("POST", "/items", json={"text": text, **more})
        assert status == 201
        return int(answer["id"])


@pytest.fixture
async def client(argent: Argent, neighbour: Neighbour, port: int) -> AsyncIterator[Client]:
    async with serving(argent, neighbour, port=port) as client:
        yield client


@asynccontextmanager
async def serving(argent: Argent, neighbour: MadePlugin, *, port: int) -> AsyncIterator[Client]:
    config = {"memory": {"workerPort": port}}
    async with (
        argent(plugins=[argent_memo, neighbour], config=config, model=[]),
        aiohttp.ClientSession() as session,
    ):
        await eventually(lambda: is_open(port), what="the worker")
        token = argent.home.plugin_data("memo") / "worker.token"
        yield Client(session, port, token.read_text(), argent.home.root)


def is_open(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class TestWhatItServes:
    async def test_what_is_kept_is_found(self, client: Client) -> None:
        id = await client.keep("The key lies under the mat.", speaker="Ann", importance=1)
        await client.keep("Bob is at the club.", audience="club")

        _, found = await client.ask("GET", "/search", params={"q": "Where is the key?"})
        _, elsewhere = await client.ask("GET", "/search?q=Bob&audience=club&audience=owner")
        _, nowhere = await client.ask("GET", "/search?q=Bob")

        (item,) = found["items"]
        assert (item["id"], item["speaker"], item["trust"]) == (id, "Ann", "paired")
        assert item["score"] > 0
        assert item["why"]
        assert [one["text"] for one in elsewhere["items"]] == ["Bob is at the club."]
        assert nowhere["items"] == []

    async def test_what_is_corrected_keeps_its_history(self, client: Client) -> None:
        old = await client.keep("Ann lives in Bern.", trust="owner", kind="fact")
        path = f"/items/{old}"

        _, answer = await client.ask("PATCH", path, json={"text": "Ann lives in Basel."})
        again, _ = await client.ask("PATCH", path, json={"text": "Ann lives in Biel."})
        _, item = await client.ask("GET", f"/items/{answer['id']}")

        assert (answer["supersedes"], again) == (old, 409)
        assert (item["text"], item["trust"]) == ("Ann lives in Basel.", "paired")
        assert [one["text"] for one in item["history"]] == ["Ann lives in Bern."]

    async def test_what_is_forgotten_is_gone(self, client: Client) -> None:
        id = await client.keep("I like tea.")

        assert await client.ask("DELETE", f"/items/{id}") == (200, {"forgotten": 1})
        status, _ = await client.ask("GET", f"/items/{id}")
        assert status == 404

    async def test_it_can_be_paged_through_and_looked_up_by_time(self, client: Client) -> None:
        ids = [await client.keep(f"Day {n}.", said_at=f"2025-01-0{n}") for n in (1, 2, 3)]

        _, first = await client.ask("GET", "/items?limit=2")
        _, rest = await client.ask("GET", f"/items?before={first['items'][-1]['id']}")
        _, span = await client.ask("GET", "/timeline?since=2025-01-02&until=2025-01-02")
        _, stats = await client.ask("GET", "/stats")

        assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
        assert [one["text"] for one in span["items"]] == ["Day 2."]
        assert stats["items"] == 3

    async def test_what_is_private_or_told_elsewhere_is_shown_where_it_is_asked_for(
        self, client: Client
    ) -> None:
        await client.keep("I like tea.")
        await client.keep("I like tea with rum.", private=True)
        await client.keep("We like tea.", audience="club")

        async def shown(path: str) -> set[str]:
            _, found = await client.ask("GET", path)
            return {one["text"] for one in found["items"]}

        assert await shown("/search?q=tea+with+rum&k=1") == {"I like tea."}
        for path in ("/search?q=tea&", "/items?", "/timeline?"):
            assert await shown(path) == {"I like tea."}
            assert await shown(f"{path}private=1") == {"I like tea.", "I like tea with rum."}
            assert await shown(f"{path}audience=club") == {"We like tea."}

    async def test_what_is_kept_for_a_place_that_is_not_known_is_kept_with_a_warning(
        self, client: Client
    ) -> None:
        said = {"text": "We like tea.", "audience": "clubb"}
        first, answer = await client.ask("POST", "/items", json=said)
        second, again = await client.ask("POST", "/items", json={**said, "text": "And rum."})

        assert (first, second) == (201, 201)
        assert "no audience 'clubb'" in answer["warning"] and "owner, everyone" in answer["warning"]
        assert "warning" not in again

    async def test_a_key_keeps_once(self, client: Client) -> None:
        assert await client.keep("I like tea.", key="a") == await client.keep("Else.", key="a")


class TestWhatItRefuses:
    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "words"),
        [
            ("POST", "/items", b"{", 400, "no JSON"),
            ("POST", "/items", b"[]", 400, "an object"),
            ("POST", "/items", b"[" * 100_000, 400, "no JSON"),
            ("POST", "/items", b"{}", 400, "an object"),
            ("POST", "/items", b'{"kind": "fact"}', 422, "text is missing"),
            ("POST", "/items", b'{"text": " "}', 422, "text is from 1"),
            ("POST", "/items", b'{"text": 7}', 422, "text is of the wrong type"),
            ("POST", "/items", b'{"text": "x", "kind": "rumour"}', 422, "rumour"),
            ("POST", "/items", b'{"text": "x", "importance": 7}', 422, "importance"),
            ("POST", "/items", b'{"text": "x", "importance": true}', 422, "importance"),
            ("POST", "/items", b'{"text": "x", "said_at": "soon"}', 422, "said_at is a date"),
            ("POST", "/items", b'{"text": "x", "colour": 1}', 422, "no field 'colour'"),
            ("POST", "/items", b'{"text": "' + KEY.encode() + b'"}', 422, "not kept here"),
            ("POST", "/items", b'"' + b"x" * (2 << 20) + b'"', 413, "too large"),
            ("PATCH", "/items/1", b'{"text": "x"}', 404, "no memory 1"),
            ("PATCH", "/items/1", b'{"audience": "club"}', 422, "no field 'audience'"),
            ("DELETE", "/items/9", b"", 404, "no memory 9"),
            ("DELETE", "/items", b"", 405, "not allowed"),
            ("GET", "/items/x", b"", 404, "not found"),
            ("POST", "/items", b'{"text": "x", "audience": " "}', 422, "audience is empty"),
            ("POST", "/items?k=1", b'{"text": "x"}', 400, "it has none"),
            ("GET", "/items?limit=many", b"", 400, "limit is a whole number"),
            ("GET", "/items?limit=201", b"", 400, "from 1 to 200"),
            ("GET", "/items?before=0", b"", 400, "before is a whole number"),
            ("GET", "/items?private=perhaps", b"", 400, "private is 1 or 0"),
            ("GET", "/items?audience=clubb", b"", 400, "no audience 'clubb'"),
            ("GET", "/items?audience=", b"", 400, "no audience ''"),
            ("GET", "/items?offset=1", b"", 400, "limit, before, audience, private"),
            ("GET", "/search", b"", 400, "q is missing"),
            ("GET", "/search?q=%20", b"", 400, "q is missing"),
            ("GET", "/search?q=" + "x" * 20_000, b"", 400, "the most are 10,000"),
            ("GET", "/search?q=x&q=y", b"", 400, "more than once"),
            ("GET", "/search?q=x&k=0", b"", 400, "k is a whole number"),
            ("GET", "/search?q=x&k=-1", b"", 400, "k is a whole number"),
            ("GET", "/search?q=x&k=1e9", b"", 400, "k is a whole number"),
            ("GET", "/search?q=x&k=99999999999999999999", b"", 400, "k is a whole number"),
            ("GET", "/search?query=x", b"", 400, "no parameter 'query'"),
            ("GET", "/stats?k=1", b"", 400, "it has none"),
            ("GET", "/health?k=1", b"", 400, "it has none"),
            ("PUT", "/items", b"", 405, "not allowed"),
            ("POST", "/search", b"", 405, "not allowed"),
            ("GET", "/nothing", b"", 404, "not found"),
            ("GET", "/timeline?since=soon", b"", 400, "since is a date"),
            ("GET", "/timeline?since=2025-01-02&until=2025-01-01", b"", 400, "before it begins"),
            ("GET", "/../worker.token", b"", 404, "not found"),
        ],
    )
    async def test_what_has_no_sense_is_said(
        self, client: Client, method: str, path: str, body: bytes, status: int, words: str
    ) -> None:
        found, answer = await client.ask(method, path, data=io.BytesIO(body))

        assert (found, list(answer)) == (status, ["error"])
        assert words in answer["error"]

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Authorization": "Bearer no"}, 401),
            ({"Authorization": ""}, 401),
            ({"Host": "evil.example"}, 403),
            ({"Host": "127.0.0.1"}, 403),
            ({"Origin": "http://127.0.0.1"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
        ],
    )
    async def test_a_stranger_learns_nothing(
        self, client: Client, headers: dict[str, str], status: int
    ) -> None:
        await client.keep("I like tea.")

        found, answer = await client.ask("GET", "/items", headers=headers)

        assert (found, list(answer)) == (status, ["error"])
        assert client.token not in str(answer)

    async def test_without_the_token_it_only_says_that_it_is_there(self, client: Client) -> None:
        nothing = {"Authorization": ""}

        assert await client.ask("GET", "/health", headers=nothing) == (200, {"status": "ok"})

    async def test_strangers_are_counted_apart(self, client: Client) -> None:
        wrong = {"Authorization": "Bearer no"}
        found = [await client.ask("GET", "/items", headers=wrong) for _ in range(80)]

        assert {status for status, _ in found} == {401, 429}
        status, _ = await client.ask("GET", "/items")
        assert status == 200
        assert (await client.ask("GET", "/health", headers=wrong))[0] == 429


class TestStarting:
    async def test_only_its_owner_can_read_the_token(self, client: Client) -> None:
        (found,) = [*client.home.rglob("worker.token")]

        assert stat.S_IMODE(found.stat().st_mode) == 0o600
        assert len(client.token) > 40

    async def test_the_token_stays_unless_others_could_read_it(
        self, argent: Argent, neighbour: Neighbour, port: int
    ) -> None:
        async with serving(argent, neighbour, port=port) as client:
            first = client.token
        async with serving_again(argent, port) as second:
            assert second == first
        (argent.home.plugin_data("memo") / "worker.token").chmod(0o644)
        async with serving_again(argent, port) as third:
            assert third != first

    async def test_a_port_that_is_taken_does_not_stop_the_memory(
        self, argent: Argent, neighbour: Neighbour, taken: int
    ) -> None:
        config = {"memory": {"workerPort": taken}}
        plugins = [argent_memo, neighbour]
        async with argent(plugins=plugins, config=config, allow_faults=True) as kernel:
            await eventually(lambda: state(kernel)["state"] == "degraded", what="the reason")
            id = await neighbour.memo().add(NewMemory(text="I like tea.", trust=Trust.OWNER))
            found = await neighbour.memo().search("tea")
            reason = state(kernel)["reason"]

        assert [one.id for one in found] == [id]
        assert f"127.0.0.1:{taken} (Address already in use)" in reason
        assert "(0 for none))" in reason  # to the end of its words
        assert "memory.workerPort" in reason

    async def test_the_port_is_free_again_when_it_has_stopped(
        self, argent: Argent, neighbour: Neighbour, port: int
    ) -> None:
        async with serving(argent, neighbour, port=port):
            assert await asyncio.to_thread(is_open, port)

        assert not await asyncio.to_thread(is_open, port)


@asynccontextmanager
async def serving_again(argent: Argent, port: int) -> AsyncIterator[str]:
    async with argent.restart(model=[]):
        await eventually(lambda: is_open(port), what="the worker")
        yield (argent.home.plugin_data("memo") / "worker.token").read_text()


def state(kernel: Any) -> Any:
    (memo,) = [one for one in kernel.agent.plugins() if one["name"] == "memo"]
    return memo


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield int(server.getsockname()[1])
