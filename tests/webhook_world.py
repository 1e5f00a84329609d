"""A stream in a real store, a courier in virtual time, and a receiver on loopback that answers by script."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Final

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.app.virtual import VirtualClock
from gateway.client.webhook import verify_webhook
from gateway.domain.event import EventKey
from gateway.domain.intent import ComputeFlexIntent, State
from gateway.domain.names import EventId, UtilityName
from gateway.domain.points import Watch, unwatched
from gateway.intents.envelope import intent_event, plan_event
from gateway.pipeline.deliveries import Attempt, Delivery, Endpoint
from gateway.pipeline.desk import Fence
from gateway.pipeline.ports import Store, Work
from gateway.pipeline.records import IntentRecord, OutboxItem
from gateway.southbound.bells import Bells
from gateway.southbound.webhook.asking import Sender
from gateway.southbound.webhook.counts import Counts
from gateway.southbound.webhook.courier import Courier, Ports
from gateway.southbound.webhook.desk import WebhookDesk
from gateway.southbound.webhook.line import Spot
from gateway.southbound.webhook.signing import parse_secret
from gateway.store.open import open_store
from gateway.transport.outward import Outward
from gateway.transport.targets import Resolve, TargetRules, system_resolve
from tests.fakes import CountedIds, FixedChance, PlainSigner
from tests.southbound_fakes import PHX, SOURCE, sample_intent, sample_plan
from tests.webhook_receiver import Got, Receiver

T0: Final = datetime(2025, 5, 3, 23, 0, tzinfo=UTC)
SECRET: Final = "whsec_" + base64.b64encode(b"s" * 32).decode()
SECOND: Final = timedelta(seconds=1)
LOOPBACK: Final = (ip_network("127.0.0.0/8"),)


@dataclass
class Hook(Receiver):
    """Takes the question, checks every signature, and answers deliveries by script: statuses, then ``status``."""

    clock: VirtualClock | None = None
    script: list[int] = field(default_factory=list)
    took: list[tuple[datetime, str]] = field(default_factory=list)
    """(instant, id) of every delivery, in order."""
    allow: str | None = "*"
    """Answer to the question; None: it does not know it."""
    challenge: bool = True

    def __post_init__(self) -> None:
        self.act = self._answer

    async def _answer(self, got: Got) -> web.StreamResponse:
        assert self.clock is not None
        if got.method == "OPTIONS":
            allowed = {} if self.allow is None else {"WebHook-Allowed-Origin": self.allow}
            return web.Response(status=200 if allowed else 405, headers=allowed)
        now = self.clock.now()
        delivered = verify_webhook(got.headers, got.body, [SECRET], now)
        event = orjson.loads(got.body)
        if event["type"] == "org.compute-flex.webhook-test.v1":
            held = event["data"]["challenge"] if self.challenge else "thanks"
            return web.Response(text=held, status=self.status)
        self.took.append((now, delivered.webhook_id))
        status = self.script.pop(0) if self.script else self.status
        return web.Response(status=status, headers=self.headers, body=self.answer)

    @property
    def ids(self) -> list[str]:
        return [name for _, name in self.took]

    @property
    def seconds(self) -> list[float]:
        """Instants of the deliveries, from the first one on."""
        return [(at - self.took[0][0]).total_seconds() for at, _ in self.took]


@dataclass
class World:
    """One site with endpoints; ``restart`` begins anew from the store alone."""

    store: Store
    clock: VirtualClock
    watch: Watch = unwatched
    chance: FixedChance = field(default_factory=FixedChance)
    hooks: dict[str, Hook] = field(default_factory=dict)
    resolve: Resolve = system_resolve
    total_s: float = 15.0
    host: str = "127.0.0.1"
    fence: Fence | None = None
    watch_once: bool = False
    is_open: bool = True
    told: list[tuple[str, str]] = field(default_factory=list)
    """(subject, channel) of what an endpoint took."""
    running: list["asyncio.Task[None]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        self.bells = Bells(self.clock)
        self.registry = CollectorRegistry()
        self.ports = Ports(
            store=self.store,
            clock=self.clock,
            bells=self.bells,
            ids=CountedIds(),
            chance=self.chance,
            counts=Counts(self.registry),
            source=SOURCE,
            watch=self.watch,
            fence=self.fence,
            open=lambda _: self.is_open,
            delivered=lambda item, channel: self.told.append((item.subject, channel)),
        )
        self.couriers = {
            (PHX, name): self.courier(name, hook.port) for name, hook in self.hooks.items()
        }
        self.desk = WebhookDesk(self.ports, self.couriers)

    def courier(self, name: str, port: int) -> Courier:
        url = f"http://{self.host}:{port}/hook"
        rules = TargetRules(ports=(port,), own=LOOPBACK)
        outward = Outward(self.clock, rules, resolve=self.resolve, total_s=self.total_s)
        secrets = (parse_secret(SECRET),)
        sender = Sender(
            outward=outward, url=url, origin="gridgate.test", secrets=secrets, fence=self.fence
        )
        return Courier(Spot(site=PHX, name=name, url=url), sender, self.ports)

    def start(self) -> None:
        self.begin_anew()
        self.running = [asyncio.create_task(c.run()) for c in self.couriers.values()]

    async def stop(self) -> None:
        self.bells.close()
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        self.running = []

    async def kill(self) -> None:
        """End the couriers in the middle of whatever they do, with no word to anybody."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        self.running = []

    async def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self.clock.sleep_until(self.clock.now() + timedelta(seconds=seconds))

    async def intent(
        self,
        name: str = "i1",
        revision: int = 1,
        *,
        deliver_in: float | None = 3600.0,
        status: State = State.SCHEDULED,
        **changes: object,
    ) -> OutboxItem:
        """Queue one revision, as the pipeline does."""
        now = self.clock.now()
        deliver_by = None if deliver_in is None else now + timedelta(seconds=deliver_in)
        made = sample_intent(now, intent_id=name, revision=revision)
        told = {"deliver_by": deliver_by, "status": status, **changes}
        return await self._queue(made.model_copy(update=told))

    async def _queue(self, intent: ComputeFlexIntent) -> OutboxItem:
        def job(work: Work) -> OutboxItem:
            sequence = work.outbox.next_sequence(PHX)
            placed = intent.model_copy(update={"sequence": sequence})
            signed, body = intent_event(placed, source=SOURCE, sign=PlainSigner().detached)
            key = EventKey(utility=UtilityName("azp"), event_id=EventId(f"evt-{intent.id}"))
            work.intents.put(IntentRecord(intent=signed, event=key, version=0))
            item = self._item(sequence, "intent", intent.id, intent.revision, body)
            item = _until(item, intent.deliver_by)
            work.outbox.add(item)
            return item

        item = await self.store.write(job)
        self.bells.ring(PHX)
        return item

    async def plan(self, revision: int, notes: int = 0) -> OutboxItem:
        """Queue a plan, made large by notes."""
        made = sample_plan(self.clock.now(), revision=revision)
        made = made.model_copy(update={"notes": ("x" * 4000,) * notes})

        def job(work: Work) -> OutboxItem:
            sequence = work.outbox.next_sequence(PHX)
            _, body = plan_event(
                made, source=SOURCE, sequence=sequence, sign=PlainSigner().detached
            )
            item = self._item(sequence, "plan", PHX, revision, body)
            work.outbox.add(item)
            return item

        item = await self.store.write(job)
        self.bells.ring(PHX)
        return item

    async def finish(self, name: str) -> None:
        """Close an intent: nothing of the site is live any more."""

        def job(work: Work) -> None:
            for record in work.intents.of_site(PHX):
                if record.intent.id == name:
                    done = record.intent.model_copy(update={"status": State.EXPIRED})
                    work.intents.put(
                        IntentRecord(intent=done, event=record.event, version=record.version)
                    )

        await self.store.write(job)

    def _item(
        self, sequence: int, kind: str, subject: str, revision: int, body: bytes
    ) -> OutboxItem:
        return OutboxItem(
            site=PHX,
            sequence=sequence,
            kind=kind,
            subject=subject,
            revision=revision,
            body=body,
            created_at=self.clock.now(),
            deliver_by=None,
        )

    async def fate(self, sequence: int, name: str = "a") -> Delivery:
        found = await self.store.read(lambda work: work.deliveries.get(PHX, name, sequence))
        assert found is not None
        return found

    async def endpoint(self, name: str = "a") -> Endpoint:
        found = await self.store.read(lambda work: work.deliveries.endpoint(PHX, name))
        assert found is not None
        return found

    async def attempts(self, name: str = "a") -> list[Attempt]:
        """Return all attempts, oldest first."""
        found = await self.store.read(
            lambda work: work.deliveries.attempts(PHX, name, limit=10_000)
        )
        return [*reversed(found)]

    def figure(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def _until(item: OutboxItem, deliver_by: datetime | None) -> OutboxItem:
    fields = {name: getattr(item, name) for name in item.__slots__}
    return OutboxItem(**{**fields, "deliver_by": deliver_by})


@asynccontextmanager
async def world(
    *names: str, url: str = "sqlite://", started: bool = True, hook: Callable[[], Hook] = Hook
) -> AsyncIterator[World]:
    """Open a store, serve a hook per name, start the couriers."""
    clock = VirtualClock(T0, print)
    async with await open_store(url, ids=CountedIds()) as store:
        here = World(store, clock)
        servers = []
        for name in names or ("a",):
            served = hook()
            served.clock = clock
            server = served.serve()
            servers.append(server)
            here.hooks[name] = await server.__aenter__()
        try:
            with clock.held():
                if started:
                    here.start()
                yield here
                await here.stop()
        finally:
            for server in servers:
                await server.__aexit__(None, None, None)
