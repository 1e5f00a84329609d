"""The courier is killed at each of its named points and started again: each document has one effect at the site.

The mutants that these runs are for: the cursor lives in memory, the mark is written before the send, the id changes
with the attempt.
"""

import asyncio
import os
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.client.clock import SystemClock
from gateway.client.webhook import verify_webhook
from gateway.database.database import Options
from gateway.domain.points import Watch, webhook_points
from gateway.southbound.bells import Bells
from gateway.southbound.webhook.asking import Sender
from gateway.southbound.webhook.counts import Counts
from gateway.southbound.webhook.courier import Courier, Ports
from gateway.southbound.webhook.desk import WebhookDesk
from gateway.southbound.webhook.line import Spot
from gateway.southbound.webhook.signing import parse_secret
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from gateway.transport.outward import Outward
from gateway.transport.targets import TargetRules
from tests.fakes import CountedIds, FixedChance
from tests.southbound_fakes import PHX, SOURCE
from tests.webhook_receiver import Got, Receiver
from tests.webhook_world import SECRET, World

DIED = 77
IDS = {"i1_1", "plan-phx-1_1"}


def forked(work: Callable[[], Awaitable[int]]) -> int:
    """Run in a process of its own; return its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = asyncio.run(work())  # type: ignore[arg-type]  # a coroutine function
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class CountingSite:
    """A receiver in a process of its own, so that no gateway's death touches it."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "taken"
        self.notes.touch()
        self._port = folder / "port"
        self.child = os.fork()
        if self.child == 0:
            try:
                asyncio.run(self._serve())
            finally:
                os._exit(0)

    async def _serve(self) -> None:
        async def take(got: Got) -> web.StreamResponse | None:
            if got.method == "OPTIONS":
                return web.Response(headers={"WebHook-Allowed-Origin": "*"})
            now = SystemClock().now()
            name = verify_webhook(got.headers, got.body, [SECRET], now).webhook_id
            with self.notes.open("a") as notes:
                notes.write(f"{name}\n")
            return None

        async with Receiver(act=take).serve() as receiver:
            self._port.write_text(str(receiver.port))
            await asyncio.Event().wait()

    @property
    def port(self) -> int:
        while not (self._port.exists() and self._port.read_text()):
            os.sched_yield()
        return int(self._port.read_text())

    def taken(self) -> Counter[str]:
        """Return how often each id came, and begin to count anew."""
        found = Counter(self.notes.read_text().split())
        self.notes.write_text("")
        return found

    def end(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)


def courier_of(store: SqliteStore, port: int, watch: Watch) -> tuple[Courier, WebhookDesk]:
    clock = SystemClock()
    ports = Ports(
        store=store,
        clock=clock,
        bells=Bells(clock),
        ids=CountedIds(),
        chance=FixedChance(),
        counts=Counts(CollectorRegistry()),
        source=SOURCE,
        watch=watch,
    )
    url = f"http://127.0.0.1:{port}/hook"
    rules = TargetRules(ports=(port,), own=(ip_network("127.0.0.1/32"),))
    sender = Sender(
        outward=Outward(clock, rules),
        url=url,
        origin="gridgate.test",
        secrets=(parse_secret(SECRET),),
    )
    courier = Courier(Spot(site=PHX, name="a", url=url), sender, ports)
    return courier, WebhookDesk(ports, {(PHX, "a"): courier})


def gateway(path: Path, port: int, point: str = "", *, again: bool = False) -> int:
    """Run the courier until nothing waits; end at once at ``point``. With ``again``, one document is resent first."""

    def watch(passed: str) -> None:
        if passed == point:
            os._exit(DIED)

    async def run() -> int:
        options = Options(at=watch)
        async with await open_store(
            f"sqlite:///{path}", ids=CountedIds(), options=options
        ) as store:
            courier, desk = courier_of(store, port, watch)
            if again:
                await desk.resend(PHX, "a", 1)
            deadline = SystemClock().now() + timedelta(seconds=20)
            while SystemClock().now() < deadline:
                await courier.round()
                if (await courier.view()).due is None:
                    return 0
        return 1

    return forked(run)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingSite]:
    counting = CountingSite(tmp_path_factory.mktemp("site"))
    yield counting
    counting.end()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an intent and a plan on the stream."""
    path = tmp_path_factory.mktemp("template") / "s.db"

    async def fill() -> int:
        async with await open_store(f"sqlite:///{path}", ids=CountedIds()) as store:
            here = World(store, SystemClock())  # type: ignore[arg-type]  # only its queues are used
            await here.intent("i1")
            await here.plan(1)
        return 0

    assert forked(fill) == 0
    return path


def deliveries(path: Path) -> dict[str, tuple[str, int]]:
    with sqlite3.connect(path) as reading:
        rows = reading.execute("SELECT webhook_id, fate, attempts FROM webhook_delivery").fetchall()
    return {name: (fate, attempts) for name, fate, attempts in rows}


def recorded(path: Path) -> Counter[str]:
    with sqlite3.connect(path) as reading:
        rows = reading.execute("SELECT webhook_id FROM webhook_attempt WHERE sequence > 0")
        return Counter(name for (name,) in rows)


@pytest.mark.slow
@pytest.mark.spec("reliability fault matrix, row 3")
@pytest.mark.parametrize("point", webhook_points())
def test_killed_at_any_point_each_document_has_one_effect(
    site: CountingSite, template: Path, tmp_path: Path, point: str
) -> None:
    path = tmp_path / "s.db"
    shutil.copy(template, path)
    again = point.startswith("delivery_again")
    site.taken()
    if again:
        assert gateway(path, site.port) == 0
        assert site.taken() == Counter(IDS)

    assert gateway(path, site.port, point, again=again) == DIED, f"{point} was never passed"
    assert gateway(path, site.port) == 0

    taken = site.taken()
    if again:
        assert taken in (
            Counter(),
            Counter(["i1_1"]),
        )  # ordered, or the order died with its transaction
    else:
        assert set(taken) == IDS  # one effect per id, none lost
        assert max(taken.values()) <= 2  # the one that was under way may come twice, under its id
        assert sum(taken.values()) <= 3
    for name, count in taken.items():
        assert recorded(path)[name] >= count  # nobody received what is not in the book
    assert {name: fate for name, (fate, _) in deliveries(path).items()} == dict.fromkeys(
        IDS, "delivered"
    )


@pytest.mark.slow
def test_a_restart_without_news_sends_nothing_again(
    site: CountingSite, template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "s.db"
    shutil.copy(template, path)
    site.taken()
    assert gateway(path, site.port) == 0
    assert site.taken() == Counter(IDS)
    for _ in range(3):
        assert gateway(path, site.port) == 0
    assert site.taken() == Counter()
