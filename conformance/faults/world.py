"""One gateway's main job from end to end in one process: utility, session, pipeline, timers, sites, over any store.

Everything between the utility's bytes and the site's answers is the gateway's own; only the network is left out. Time
is virtual, ids and keys are seeded: with one store and one seed two runs differ in nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from conformance.faults.hand import Hand, Told
from conformance.faults.utility import NearUtility
from conformance.peers.event_spec import EventSpec, SignalSpec
from conformance.peers.event_spec import Step as SignalStep
from gateway.app.ids import SeededChance, SeededIds, seeded_key
from gateway.app.supervisor import keep
from gateway.app.virtual import VirtualClock
from gateway.domain.errors import GatewayError, StoreError, first_of
from gateway.domain.intent import FailSafe
from gateway.domain.names import MeterId, SiteId, UtilityName
from gateway.domain.participation import Participation
from gateway.domain.points import Step
from gateway.domain.program import Program
from gateway.domain.site import Meter, Site
from gateway.intents.derive import Terms
from gateway.northbound.driver import Driver
from gateway.pipeline.book import Book, Office
from gateway.pipeline.feedback import Feedback
from gateway.pipeline.inbound import Inbound
from gateway.pipeline.measure import Measure
from gateway.pipeline.ports import IntentRecord, Store, Work
from gateway.pipeline.prove import Prover
from gateway.pipeline.settle import agree
from gateway.pipeline.timetable import Timetable
from gateway.pipeline.turn import Turn
from gateway.protocols.actions import Message, Send
from gateway.protocols.entry import ProgramTerms, Scope, Tools
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.registry import PROTOCOLS
from gateway.settlement.heads import LogKey
from gateway.southbound.signer import KeyFileSigner
from gateway.transport.schemas import load_oadr20b_schema

BEGIN: Final = datetime(2025, 5, 3, 22, 0, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
LASTS: Final = 70 * MINUTE
UTILITY: Final = UtilityName("azp")
PROGRAM: Final = "http://azp.example/dr"
SITES: Final = (SiteId("site-a"), SiteId("site-b"))
HEAD_EVERY: Final = timedelta(minutes=10)
_METER: Final = MeterId("it_load")

Step_ = tuple[int, Callable[[NearUtility], None]]
"""Minute of the story, and what the utility does then."""


def _event(name: str, starts: int, lasts: int, share: str, *sites: SiteId) -> EventSpec:
    step = SignalStep(lasts=lasts * MINUTE, value=Decimal(share))
    return EventSpec(
        event_id=name,
        market_context=PROGRAM,
        start=BEGIN + starts * MINUTE,
        signals=(SignalSpec(name="LOAD_DISPATCH", type=SignalType.MULTIPLIER, steps=(step,)),),
        notification=MINUTE,
        ramp_up=2 * MINUTE,
        recovery=2 * MINUTE,
        resources=sites,
    )


STORY: Final[Sequence[Step_]] = (
    (2, lambda utility: utility.publish(_event("both", 12, 15, "0.75"))),
    (4, lambda utility: utility.publish(_event("moved", 35, 10, "0.8", SITES[1]))),
    (8, lambda utility: utility.modify(_event("moved", 36, 10, "0.7", SITES[1]))),
    (20, lambda utility: utility.publish(_event("cut", 24, 20, "0.9"))),
    (30, lambda utility: utility.publish(_event("undone", 60, 15, "0.75"))),
    (33, lambda utility: utility.cancel("undone")),
    (34, lambda utility: utility.cancel("cut")),
    (40, lambda utility: utility.publish(_event("refused", 48, 5, "0.5", SITES[0]))),
    (46, lambda utility: utility.publish(_event("split", 52, 5, "0.5"))),
)
_OPTS: Final[Mapping[tuple[str, str], str]] = {
    ("refused", SITES[0]): "reject",
    ("split", SITES[1]): "out",
}


def answer_of(record: IntentRecord) -> str:
    """Say what a site answers: by the event, always the same."""
    return _OPTS.get((record.event.event_id, record.intent.site), "in")


@cache
def _schema() -> etree.XMLSchema:
    """Return the schema of the whole process; it takes long to compile."""
    return load_oadr20b_schema()


def _site(name: SiteId) -> Site:
    return Site(
        site=name,
        timezone="America/Phoenix",
        contracted_import_kw=Decimal(120),
        fail_safe_import_kw=None,
        ramp_down_kw_per_min=Decimal(10),
        ramp_up_kw_per_min=Decimal(6),
        meters=(Meter(meter=_METER, interval=MINUTE, max_kw=Decimal(200)),),
        contract_meter=_METER,
    )


def book(seed: int) -> Book:
    """Return what the gateway of the story is configured with."""
    fail_safe = FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60)
    program = Program(
        utility=UTILITY, name=PROGRAM, sites=SITES, opt_by=MINUTE, settle_after=5 * MINUTE
    )
    return Book(
        sites={name: _site(name) for name in SITES},
        programs={(UTILITY, PROGRAM): program},
        terms={name: Terms(lease_s=60, heartbeat_s=15, fail_safe=fail_safe) for name in SITES},
        installation_key=seeded_key(seed, "installation"),
        source="urn:gridgate:near",
        software="gridgate near",
        simulated=True,
        test_mode=True,
    )


async def _silence(_: Sequence[str]) -> None:
    """Tell nobody."""


@dataclass(kw_only=True)
class World:
    """Plays ``STORY`` once.

    Args:
        store: Any; the world neither opens nor closes it.
        seed: Ids, keys and draws follow from it.
        told: Awaited after every answer and before every request that the gateway sends, with what it promises.
        every: How often a site meters and lives; shorter means more writes.
        poll_every: How often the utility is asked.
    """

    store: Store
    seed: int = 1
    told: Told = _silence
    every: timedelta = MINUTE
    poll_every: timedelta = MINUTE
    lasts: timedelta = LASTS
    clock: VirtualClock = field(init=False)
    utility: NearUtility = field(init=False)
    office: Office = field(init=False)
    hands: Mapping[SiteId, Hand] = field(init=False)
    timetable: Timetable = field(init=False)
    stuck: str = ""
    """Who held the clock up, when somebody did."""
    _drivers: list[Driver] = field(default_factory=list)
    _playing: "asyncio.Task[object] | None" = None

    def __post_init__(self) -> None:
        self.clock = VirtualClock(BEGIN, on_stuck=self._stop)
        ids = SeededIds(self.seed, "utility")
        self.utility = NearUtility(self.clock, ids, Codec(_schema()), self.poll_every)
        key = Ed25519PrivateKey.from_private_bytes(seeded_key(self.seed, "log"))
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.office = Office(
            book=book(self.seed),
            store=self.store,
            clock=self.clock,
            signer=KeyFileSigner.seeded(seeded_key(self.seed, "signing")),
            log_key=LogKey(public=public, sign=key.sign),
            bell=self,
            decided=self._decided,
            timers_changed=self._look_again,
        )
        self.timetable = Timetable(self.office)
        self.hands = {name: self._hand(name) for name in SITES}

    def _hand(self, name: SiteId) -> Hand:
        return Hand(
            site=self.office.book.sites[name],
            desk=Feedback(self.office),
            store=self.store,
            clock=self.clock,
            told=self.told,
            opt=answer_of,
            every=self.every,
            thinks=10 * SECOND * SITES.index(name),
        )

    def ring(self, site: SiteId) -> None:
        """Wake a site's stream (``Bell``)."""
        self.hands[site].ring()

    def _look_again(self) -> None:
        self.timetable.changed()

    def _decided(self, decision: Participation) -> None:
        if self._drivers:
            self._drivers[-1].decide(decision)

    async def play(self) -> None:
        """Play to the end.

        Raises:
            StoreError: the store can no longer be trusted.
        """
        kept = {"timetable": self.timetable.run, "heads": self._heads, "session": self._drive}
        self._playing = asyncio.current_task()
        try:
            with self.clock.held():
                await self._agreed()
                steps: dict[str, Coroutine[None, None, None]] = {
                    name: keep(name, start, self.clock) for name, start in kept.items()
                }
                steps |= {site: hand.live() for site, hand in self.hands.items()}
                steps["script"] = self._script()
                async with asyncio.TaskGroup() as tasks:
                    running = [tasks.create_task(step, name=name) for name, step in steps.items()]
                    await self.clock.sleep_until(BEGIN + self.lasts)
                    for task in running:
                        task.cancel()
        except BaseExceptionGroup as group:
            raise first_of(group, GatewayError) or group from None

    def _stop(self, holders: str) -> None:
        """End a run whose clock stands still: somebody waits for what never comes."""
        self.stuck = holders
        if self._playing is not None:
            self._playing.cancel()

    async def _agreed(self) -> None:
        """Agree at last: a gateway that cannot start is started again."""
        while True:
            try:
                await self.agree()
            except StoreError as error:
                if not error.passing:
                    raise
                await self.clock.sleep_until(self.clock.now() + SECOND)
            else:
                return

    async def agree(self) -> None:
        """Write down the terms, as a gateway does when it starts."""
        office, now = self.office, self.clock.now()

        def job(work: Work) -> None:
            agree(Turn(work=work, book=office.book, signer=office.signer, now=now))

        await self.store.write(job, Step.AGREE)

    async def _heads(self) -> None:
        with self.clock.held():
            while True:
                await self.clock.sleep_until(self.clock.now() + HEAD_EVERY)
                await Prover(self.office).head()

    async def _script(self) -> None:
        with self.clock.held():
            for minute, act in STORY:
                await self.clock.sleep_until(BEGIN + minute * MINUTE)
                act(self.utility)

    async def _drive(self) -> None:
        """Make the session from what is stored and drive it, as the gateway does at each start of this task."""
        with self.clock.held():
            state = await self.store.read(lambda work: work.sessions.state(UTILITY))
        entry = next(entry for name, entry in PROTOCOLS.items() if name.value == "oadr20b")
        tools = Tools(
            chance=SeededChance(self.seed, "gateway"),
            ids=SeededIds(self.seed, f"gateway {len(self._drivers)}"),
            schema=_schema(),
        )
        terms = ProgramTerms(name=PROGRAM, sites=SITES)
        scope = Scope(utility=UTILITY, programs=(terms,))
        session = entry.session(entry.read_options({}), scope, tools, state)
        driver = Driver(
            UTILITY,
            session,
            self._exchange,
            Inbound(self.office),
            Measure(self.office).collect,
            self.clock,
        )
        self._drivers.append(driver)
        await driver.run()

    async def _exchange(self, send: Send) -> Message:
        await self.told([f"sent {send.service}"])
        return await self.utility.exchange(send)
