"""What a site, and an operator, may ask about endpoints, over HTTP and the control socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app.control import Control
from gateway.app.control_client import running
from gateway.app.letters import LetterDesk, ResendOrder, replay_letters, resend_documents
from gateway.app.token_desk import StoreDesk
from gateway.client.clock import SystemClock
from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.pipeline.deliveries import Fate
from gateway.southbound.app import make_app
from gateway.southbound.parts import Parts
from gateway.southbound.signer import KeyFileSigner
from gateway.southbound.tokens import create_token
from gateway.transport.server import listen
from tests.fakes import CountedIds
from tests.southbound_fakes import OTHER, PHX, SOURCE, WritingDesk
from tests.webhook_world import World, world


@dataclass
class Site:
    """A served gateway with couriers, and a session that speaks to it as phx-1."""

    here: World
    http: aiohttp.ClientSession
    url: str
    tokens: dict[SiteId, str]

    async def ask(
        self, method: str, path: str, body: object = None, site: SiteId = PHX
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[site]}"}
        async with self.http.request(
            method, f"{self.url}/v1/webhooks{path}", json=body, headers=headers
        ) as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    async with world() as here:
        tokens = {
            name: await create_token(
                here.store, CountedIds(100 * n), name=name, site=name, now=here.clock.now()
            )
            for n, name in enumerate((PHX, OTHER))
        }
        parts = Parts(
            store=here.store,
            desk=WritingDesk(None, here.clock),  # type: ignore[arg-type]  # nothing of it is asked here
            clock=here.clock,
            ids=CountedIds(),
            bells=here.bells,
            signer=KeyFileSigner.seeded(b"test"),
            registry=here.registry,
            source=SOURCE,
            webhooks=here.desk,
        )
        listener = await listen(make_app(parts), "127.0.0.1", 0, None)
        async with aiohttp.ClientSession() as http:
            yield Site(here, http, listener.url, tokens)
        await listener.stop()


async def test_a_site_sees_its_endpoints_and_their_attempts() -> None:
    async with site() as phx:
        hook = phx.here.hooks["a"]
        hook.script, hook.answer = [503, 200], b"later\x00\xff"
        await phx.here.intent("i1")
        await phx.here.wait(10)
        status, listed = await phx.ask("GET", "")
        (endpoint,) = listed["items"]
        assert status == 200
        assert (endpoint["name"], endpoint["standing"], endpoint["cursor"]) == ("a", "ready", "1")
        assert endpoint["proof"] == "origin"
        status, page = await phx.ask("GET", "/a/attempts?limit=2")
        newest, failed = page["items"]
        assert (newest["outcome"], newest["status"], newest["sequence"]) == ("delivered", 200, "1")
        assert (failed["outcome"], failed["answer"]) == ("busy", "later\ufffd\ufffd")
        assert page["next"] == str(failed["number"])
        status, older = await phx.ask("GET", f"/a/attempts?before={page['next']}")
        assert [one["webhook_id"] for one in older["items"]] == ["question"]
        assert older["next"] is None
        assert "whsec" not in str((listed, page, older))


async def test_what_is_another_sites_is_missing() -> None:
    async with site() as phx:
        await phx.here.intent("i1")
        await phx.here.wait(1)
        assert (await phx.ask("GET", "", site=OTHER))[1] == {"items": []}
        for method, path, body in (
            ("GET", "/a/attempts", None),
            ("POST", "/a/test", {}),
            ("POST", "/a/resend", {"after": 0}),
        ):
            theirs = await phx.ask(method, path, body, site=OTHER)
            missing = await phx.ask(method, path.replace("/a/", "/b/"), body)
            assert (theirs[0], theirs[1]["reason"]) == (404, "NOT_FOUND")
            assert (missing[0], missing[1]["reason"]) == (404, "NOT_FOUND")


async def test_a_test_event_is_sent_and_its_answer_told() -> None:
    async with site() as phx:
        await phx.here.wait(1)
        status, told = await phx.ask("POST", "/a/test", {})
        assert (status, told["reached"], told["status"]) == (200, True, 200)
        phx.here.hooks["a"].challenge = False
        _, told = await phx.ask("POST", "/a/test", {})
        assert (told["reached"], told["reason"], told["answer"]) == (
            False,
            "NO_CHALLENGE",
            "thanks",
        )
        phx.here.hooks["a"].status = 500
        _, told = await phx.ask("POST", "/a/test", {})
        assert (told["reached"], told["reason"]) == (False, "HTTP_500")


async def test_one_document_is_sent_once_more_under_its_id() -> None:
    async with site() as phx:
        item = await phx.here.intent("i1")
        await phx.here.wait(1)
        order = {"sequence": item.sequence}
        assert await phx.ask("POST", "/a/resend", order) == (200, {"queued": 1})
        await phx.here.wait(1)
        assert phx.here.hooks["a"].ids == ["i1_1", "i1_1"]
        assert (await phx.here.fate(item.sequence)).fate is Fate.DELIVERED


async def test_all_since_a_cursor_are_sent_once_more_in_order_as_far_as_they_count() -> None:
    async with site() as phx:
        hook = phx.here.hooks["a"]
        await phx.here.intent("i1")
        late = await phx.here.intent("late", deliver_in=30.0)
        await phx.here.intent("i2", 1)
        await phx.here.wait(1)
        await phx.here.intent("i2", 2)
        await phx.here.intent("i3")
        await phx.here.wait(40)
        hook.took.clear()
        assert await phx.ask("POST", "/a/resend", {"after": 1}) == (200, {"queued": 2})
        await phx.here.wait(1)
        assert hook.ids == ["i2_2", "i3_1"]
        assert (await phx.here.fate(late.sequence)).fate is Fate.DELIVERED
        assert phx.here.figure("gateway_webhook_dead_letters_total") == 0


async def test_a_resent_document_that_gets_too_late_was_delivered_all_the_same() -> None:
    async with site() as phx:
        hook = phx.here.hooks["a"]
        item = await phx.here.intent("i1", deliver_in=60.0)
        await phx.here.wait(1)
        hook.status = 404
        await phx.ask("POST", "/a/resend", {"sequence": item.sequence})
        await phx.here.wait(90)
        assert (await phx.here.fate(item.sequence)).fate is Fate.DELIVERED
        assert phx.here.figure("gateway_webhook_dead_letters_total") == 0


@pytest.mark.parametrize(
    ("order", "status", "reason"),
    [
        ({}, 422, "INVALID_BODY"),
        ({"sequence": 1, "after": 1}, 422, "INVALID_BODY"),
        ({"sequence": -1}, 422, "INVALID_BODY"),
        ({"sequence": "1"}, 422, "INVALID_BODY"),
        ({"sequence": True}, 422, "INVALID_BODY"),
        ({"after": 2**53}, 400, "INVALID_NUMBER"),
        ({"after": 1, "more": 1}, 422, "INVALID_BODY"),
        ([], 422, "INVALID_BODY"),
        ({"sequence": 77}, 404, "NOT_FOUND"),
        ({"sequence": 1}, 409, "TOO_LATE"),
        ({"sequence": 2}, 409, "STALE_REVISION"),
    ],
)
async def test_an_order_that_cannot_be_followed_changes_nothing(
    order: object, status: int, reason: str
) -> None:
    async with site() as phx:
        await phx.here.intent("late", deliver_in=30.0)
        await phx.here.intent("i2", 1)
        await phx.here.wait(1)
        await phx.here.intent("i2", 2)
        await phx.here.wait(40)
        sent = len(phx.here.hooks["a"].took)
        found = await phx.ask("POST", "/a/resend", order)
        assert (found[0], found[1]["reason"]) == (status, reason)
        await phx.here.wait(100)
        assert len(phx.here.hooks["a"].took) == sent


async def test_an_operator_replays_and_resends_through_the_control_socket(tmp_path: Path) -> None:
    async with world() as here:
        hook = here.hooks["a"]
        hook.script = [400] * 6
        refused = await here.intent("i1")
        late = await here.intent("i2", deliver_in=10.0)
        await here.wait(40)
        tokens = StoreDesk(here.store, CountedIds(), here.clock, (PHX,))
        control = Control(
            tmp_path, tokens, SystemClock(), LetterDesk(here.desk, SystemClock()).routes()
        )
        await control.start()
        letters = [one.key for one in await dead(here)]
        assert letters == [f"phx-1/a/{late.sequence}", f"phx-1/a/{refused.sequence}"]
        async with running(tmp_path) as gateway:
            assert gateway is not None
            first, second = await replay_letters(gateway, letters)
            assert (first.refused, second.refused) == ("TOO_LATE", "")
            assert "nothing is sent after its end" in first.detail
            await here.wait(1)
            assert hook.ids[-1] == "i1_1"
            order = ResendOrder(site=PHX, endpoint="a", sequence=refused.sequence)
            assert await resend_documents(gateway, order) == 1
            everything = ResendOrder(site=PHX, endpoint="a", after=0)
            assert await resend_documents(gateway, everything) == 0
            late_order = order.model_copy(update={"sequence": late.sequence})
            with pytest.raises(SessionError) as found:
                await resend_documents(gateway, late_order)
            assert found.value.reason == "TOO_LATE"
        await control.stop()


async def dead(here: World) -> Any:
    return await here.store.read(lambda work: work.deliveries.listed(fates=(Fate.DEAD,)))
