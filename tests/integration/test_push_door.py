"""The listener for utilities that push: who may speak, what is no message, and that none disturbs another."""

import asyncio
import io
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.client.clock import SystemClock
from gateway.northbound.push import CONNECTIONS
from gateway.northbound.push_peers import Expected
from gateway.protocols.actions import Message, Reply
from gateway.transport.limits import Limits
from tests.push_world import DONE, Told, listening, print_of, push, pusher, route
from tests.vtn_wire import XML, Pki, timeline

PREFIX = "/aps"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@pytest.fixture
def vtn(pki: Pki) -> str:
    return print_of(pki.files("vtn"))


async def test_a_request_reaches_the_session_of_its_utility_and_its_reply_comes_back(
    pki: Pki, vtn: str
) -> None:
    aps, sce = Told(), Told()
    routes = [route("aps", "/aps", aps, vtn), route("sce", "", sce, vtn)]
    points: list[str] = []
    async with (
        listening(pki, SystemClock(), routes, watch=points.append) as url,
        pusher(pki.files("vtn")) as http,
    ):
        first = await push(http, url + "/aps", "EiReport")
        second = await push(http, url, "EiEvent")

    assert (first, second) == ((200, DONE.body),) * 2
    (message,) = aps.messages
    assert (message.service, message.body, message.request_id) == ("EiReport", b"<event/>", "")
    assert message.peer == vtn
    assert [found.service for found in sce.messages] == ["EiEvent"]
    assert points == [
        "push.EiReport.before",
        "push.EiReport.after",
        "push.EiEvent.before",
        "push.EiEvent.after",
    ]


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "GET", "data": None}, 501),
        ({"method": "PUT"}, 501),
        ({"service": "EiOpt"}, 404),
        ({"service": "OadrPoll"}, 404),
        ({"service": "eievent"}, 404),
        ({"service": "EiEvent/x"}, 404),
        ({"headers": {"Content-Type": "text/xml"}}, 406),
        ({"headers": {"Content-Type": "application/xml; charset=latin1"}}, 406),
        ({"headers": {"Content-Type": "application/XML; charset=UTF-8"}}, 200),
        ({"headers": {**XML, "Content-Encoding": "gzip"}}, 406),
        ({"data": io.BytesIO(b"<" * (8 << 20) + b">")}, 413),
    ],
)
async def test_what_is_no_request_never_reaches_a_session(
    pki: Pki, vtn: str, request_: dict[str, Any], status: int
) -> None:
    told = Told()
    async with (
        listening(pki, SystemClock(), [route("aps", PREFIX, told, vtn)]) as url,
        pusher(pki.files("vtn")) as http,
    ):
        found, _ = await push(http, url + PREFIX, **request_)
        after, _ = await push(http, url + PREFIX)

    assert (found, after) == (status, 200)
    assert len(told.messages) == (2 if status == 200 else 1)


@pytest.mark.spec("OpenADR 2.0b section 9.1.9.4")
async def test_chunked_requests_are_refused(pki: Pki, vtn: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"<event/>"

    told = Told()
    async with (
        listening(pki, SystemClock(), [route("aps", PREFIX, told, vtn)]) as url,
        pusher(pki.files("vtn")) as http,
    ):
        status, _ = await push(http, url + PREFIX, data=chunks())

    assert (status, told.messages) == (406, [])


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-04")
@pytest.mark.slow
async def test_a_body_that_does_not_come_is_given_up(pki: Pki, vtn: str) -> None:
    clock = timeline(datetime(2026, 5, 1, tzinfo=UTC), factor=40)
    told = Told()
    over = asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield b"<"
        await over.wait()

    async with (
        listening(pki, clock, [route("aps", PREFIX, told, vtn)]) as url,
        pusher(pki.files("vtn")) as http,
    ):
        headers = {**XML, "Content-Length": "100"}
        status, _ = await push(http, url + PREFIX, data=drip(), headers=headers)
        over.set()

    assert (status, told.messages) == (408, [])


# --- who speaks


@pytest.mark.spec("OpenADR 2.0b rule 517")
async def test_a_certificate_of_the_same_authority_is_not_the_utilitys(pki: Pki, vtn: str) -> None:
    told = Told()
    async with (
        listening(pki, SystemClock(), [route("aps", PREFIX, told, vtn)]) as url,
        pusher(pki.files("another-ven")) as http,
    ):
        status, _ = await push(http, url + PREFIX)

    assert (status, told.messages) == (403, [])


async def test_a_utility_may_not_use_the_path_of_another(pki: Pki, vtn: str) -> None:
    aps, sce = Told(), Told()
    other = print_of(pki.files("vtn-of-sce"))
    routes = [route("aps", "/aps", aps, vtn), route("sce", "/sce", sce, other)]
    async with listening(pki, SystemClock(), routes) as url, pusher(pki.files("vtn")) as http:
        status, _ = await push(http, url + "/sce")

    assert (status, aps.messages, sce.messages) == (403, [], [])


async def test_nobody_comes_in_without_a_certificate_or_with_a_strangers(
    pki: Pki, vtn: str, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Pki(tmp_path / "other").files("vtn")
    told = Told()
    async with listening(pki, SystemClock(), [route("aps", PREFIX, told, vtn)]) as url:
        bare = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))
        async with bare, pusher(stranger) as http:
            for guest in (bare, http):
                with pytest.raises((aiohttp.ClientError, OSError)):
                    await push(guest, url + PREFIX)

    assert told.messages == []


async def test_until_the_utility_was_heard_nobody_is_taken_for_it(pki: Pki, vtn: str) -> None:
    told, seen = Told(), [""]
    expected = Expected(seen=lambda: seen[0])
    async with (
        listening(pki, SystemClock(), [route("aps", PREFIX, told, expected=expected)]) as url,
        pusher(pki.files("vtn")) as http,
    ):
        early, _ = await push(http, url + PREFIX)
        seen[0] = vtn
        known, _ = await push(http, url + PREFIX)
        seen[0] = print_of(pki.files("vtn-after-rollover"))
        replaced, _ = await push(http, url + PREFIX)

    assert (early, known, replaced) == (503, 200, 403)
    assert len(told.messages) == 1


@pytest.mark.spec("OpenADR 2.0b rule 516")
async def test_a_connection_does_not_outlive_its_certificate(pki: Pki, vtn: str) -> None:
    class Later(SystemClock):
        ahead = timedelta(0)

        def now(self) -> datetime:
            return super().now() + self.ahead

    clock, told = Later(), Told()
    async with (
        listening(pki, clock, [route("aps", PREFIX, told, vtn)]) as url,
        pusher(pki.files("vtn")) as http,
    ):
        now, _ = await push(http, url + PREFIX)
        clock.ahead = timedelta(days=365 * 40)
        later, _ = await push(http, url + PREFIX)

    assert (now, later, len(told.messages)) == (200, 403, 1)


async def test_test_certificates_are_refused_in_earnest(pki: Pki, vtn: str) -> None:
    told = Told()
    routes = [route("aps", PREFIX, told, vtn)]
    async with (
        listening(pki, SystemClock(), routes, test_mode=False) as url,
        pusher(pki.files("vtn")) as http,
    ):
        status, _ = await push(http, url + PREFIX)

    assert (status, told.messages) == (403, [])


# --- floods


async def refusals(waiting: Collection[asyncio.Task[tuple[int, bytes]]], number: int) -> None:
    """Wait until so many requests were put off; the others hang."""
    while sum(task.done() and task.result()[0] == 503 for task in waiting) < number:
        await asyncio.wait(
            [task for task in waiting if not task.done()], return_when=asyncio.FIRST_COMPLETED
        )


async def test_a_utility_that_floods_is_put_off_and_another_one_is_served(
    pki: Pki, vtn: str
) -> None:
    release = asyncio.Event()

    async def slow(_: Message) -> Reply:
        await release.wait()
        return DONE

    aps, sce = Told(slow), Told()
    other = print_of(pki.files("vtn-of-sce"))
    limits = Limits(0, 0, 4)
    routes = [
        route("aps", "/aps", aps, vtn, limits=limits),
        route("sce", "/sce", sce, other, limits=Limits(0, 0, 4)),
    ]
    async with (
        listening(pki, SystemClock(), routes) as url,
        pusher(pki.files("vtn")) as flood,
        pusher(pki.files("vtn-of-sce")) as calm,
    ):
        waiting = [asyncio.create_task(push(flood, url + "/aps")) for _ in range(12)]
        await refusals(waiting, 8)
        answered, _ = await push(calm, url + "/sce")
        release.set()
        statuses = sorted([(await task)[0] for task in waiting])

    assert answered == 200
    assert statuses == [200] * 4 + [503] * 8
    assert len(aps.messages) == 4


async def test_a_utility_that_asks_too_often_is_told_when_to_come_back(pki: Pki, vtn: str) -> None:
    told = Told()
    routes = [route("aps", PREFIX, told, vtn, limits=Limits(0.001, 3, 8))]
    async with listening(pki, SystemClock(), routes) as url, pusher(pki.files("vtn")) as http:
        statuses = [(await push(http, url + PREFIX))[0] for _ in range(5)]

    assert statuses == [200, 200, 200, 503, 503]


async def test_a_utility_has_so_many_connections_and_no_more(pki: Pki, vtn: str) -> None:
    release = asyncio.Event()

    async def slow(_: Message) -> Reply:
        await release.wait()
        return DONE

    told = Told(slow)
    routes = [route("aps", PREFIX, told, vtn, limits=Limits(0, 0, 100))]
    async with listening(pki, SystemClock(), routes) as url, pusher(pki.files("vtn")) as http:
        waiting = [asyncio.create_task(push(http, url + PREFIX)) for _ in range(CONNECTIONS + 3)]
        await refusals(waiting, 3)
        release.set()
        statuses = sorted([(await task)[0] for task in waiting])
        again, _ = await push(http, url + PREFIX)

    assert statuses == [200] * CONNECTIONS + [503] * 3
    assert again == 200
