"""The one place that knows every concrete class: a checked configuration becomes a running gateway."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Final

import structlog
from lxml import etree
from prometheus_client import CollectorRegistry, ProcessCollector

from gateway.app.backup_desk import BackupDesk
from gateway.app.book import make_book
from gateway.app.control import Control
from gateway.app.fencing import Fencing
from gateway.app.ids import SystemChance, SystemIds
from gateway.app.letters import LetterDesk
from gateway.app.measuring import Measuring, make_measuring
from gateway.app.notifying import open_doors
from gateway.app.operator_desk import OperatorDesk
from gateway.app.places import data_dir, store_url
from gateway.app.pushing import PushListeners
from gateway.app.recovery import begin_recovery, own_signature
from gateway.app.registration_desk import RegistrationDesk
from gateway.app.reservation_desk import ReservationDesk
from gateway.app.schedule_desk import ScheduleDesk
from gateway.app.secrets import fresh_key, installation_key, log_key
from gateway.app.sessions import Sessions, Tap
from gateway.app.state_desk import StateDesk
from gateway.app.supervisor import keep
from gateway.app.token_desk import StoreDesk
from gateway.app.webhooks import Around, make_webhooks
from gateway.config.effective import effective
from gateway.config.load import Loaded
from gateway.database.host_lock import HostLock
from gateway.domain.errors import GatewayError, first_of
from gateway.domain.names import UtilityName
from gateway.domain.points import Step, Watch, unwatched
from gateway.domain.ports import Chance, Clock, Ids
from gateway.observability.lag import LoopLag
from gateway.observability.metrics import Metrics
from gateway.observability.steps import CommitTimes
from gateway.pipeline.audit import note_start
from gateway.pipeline.book import Office
from gateway.pipeline.delivered import Delivered
from gateway.pipeline.feedback import Feedback
from gateway.pipeline.inbound import Inbound
from gateway.pipeline.keys import known_keys, last_stored
from gateway.pipeline.measure import Measure
from gateway.pipeline.overrule import Overrule
from gateway.pipeline.ports import Work
from gateway.pipeline.prove import Prover
from gateway.pipeline.recovery import Recovery
from gateway.pipeline.scheduling import Scheduling
from gateway.pipeline.struck import settle_in
from gateway.pipeline.timetable import Timetable
from gateway.southbound.app import make_app
from gateway.southbound.bells import Bells
from gateway.southbound.fencing import refuse_stopped
from gateway.southbound.parts import Pace, Parts, always, unnoted
from gateway.southbound.signer import KeyFileSigner, open_signer
from gateway.southbound.webhook.desk import WebhookDesk
from gateway.store.begun import FileAttempts
from gateway.store.open import Opening, open_watched
from gateway.store.sqlite_store import SqliteStore
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.server import Listener, listen
from gateway.transport.tls import refuse_test_files, southbound_server

SOFTWARE: Final = f"gridgate {version('gridgate')}"
HEAD_EVERY: Final = timedelta(minutes=5)
"""A head of the evidence log is signed at least so often."""
FRESH: Final = timedelta(minutes=5)
"""A gateway that heard from no utility for so long says so at ``/health/ready``."""
_SCHEMAS: Final[dict[str, Callable[[], etree.XMLSchema]]] = {"oadr20b": load_oadr20b_schema}

__all__ = ["Gateway", "Wiring", "data_dir", "store_url"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What differs between earnest, demonstration and test; the defaults are earnest."""

    clock: Clock
    ids: Ids = field(default_factory=SystemIds)
    chance: Chance = field(default_factory=SystemChance)
    pace: Pace = field(default_factory=Pace)
    seed: bytes | None = field(default=None, repr=False)
    """32 bytes that every key is made of instead of the files; test mode only."""
    tap: Tap | None = None
    """Sees every answer of a utility as it comes in; for measuring."""
    alone_on_host: bool = True
    """False: a second gateway on a copy of the store may start on this machine; to rehearse what sites then do."""
    store_url: str = ""
    """Instead of the configured one; empty: as configured."""
    watch: Watch = unwatched
    """Is told each point of the main job that is passed."""
    store: Opening = open_watched


class Gateway:
    """One gateway: ``start``, then ``run`` until cancelled, then ``stop``.

    Args:
        loaded: A checked configuration.
        wiring: Clock, chance, ids and pace.
    """

    def __init__(self, loaded: Loaded, wiring: Wiring) -> None:
        self._loaded = loaded
        self._wiring = wiring
        self._metrics = Metrics(CollectorRegistry())
        ProcessCollector(registry=self._metrics.registry)
        self._lag = LoopLag(self._metrics.registry)
        self._commits = CommitTimes(self._metrics.registry, wiring.clock.elapsed_s, on=wiring.watch)
        self._measuring: Measuring | None = None
        self._delivered: Delivered | None = None
        self._control: Control | None = None
        self._listener: Listener | None = None
        self._push = PushListeners()
        self._store: SqliteStore | None = None
        self._host_lock: HostLock | None = None
        self._fencing: Fencing | None = None
        self._recovery: Recovery | None = None
        self._bells = Bells(wiring.clock)
        self._office: Office | None = None
        self._webhooks = WebhookDesk()
        self._timetable: Timetable | None = None
        self._sessions: Sessions | None = None

    @property
    def url(self) -> str:
        """Return where sites connect; known after ``start``."""
        assert self._listener is not None, "start first"  # noqa: S101 - our own caller
        return self._listener.url

    @property
    def push_urls(self) -> tuple[str, ...]:
        """Return where utilities connect that push; known after ``start``."""
        return tuple(listener.url for listener in self._push.listeners)

    @property
    def office(self) -> Office:
        """Return the shared ports, to read from; known after ``start``."""
        assert self._office is not None, "start first"  # noqa: S101 - our own caller
        return self._office

    async def start(self) -> None:
        """Check certificates, open the store, write down the terms, listen.

        Raises:
            ConfigError: a file cannot be used.
            IdentityError: ``TEST_CERTIFICATE`` outside test mode.
            StoreError: the store is locked, damaged or of a newer version.
            FencedError: another gateway runs, or goes on, with a copy of the store.
        """
        self._refuse_test_certificates()
        url = self._wiring.store_url or store_url(self._loaded)
        self._store = await self._wiring.store(url, self._wiring.ids, self._commits)
        if room := self._loaded.settings.ballast_bytes:
            await self._store.database.hold(room)
        await self._begin(self._store)
        self._office = self._make_office(self._store)
        self._fencing = Fencing(
            self._store, self._office.book.installation_key, self._wiring.clock, self._bells.close
        )
        self._recovery = await begin_recovery(self._loaded, self._office, self._store)
        await self._agree()
        self._delivered = Delivered(self._office)
        self._measuring = make_measuring(
            self._loaded,
            self._office,
            self._store,
            self._metrics.registry,
            lambda: self._sessions.health() if self._sessions else {},
        )
        self._lag.start()
        self._webhooks = make_webhooks(
            self._loaded,
            self._office,
            self._bells,
            Around(
                ids=self._wiring.ids,
                chance=self._wiring.chance,
                registry=self._metrics.registry,
                fence=self._fencing,
                open=self._recovery.open,
                delivered=self._delivered.written,
            ),
        )
        self._control = self._make_control(self._office)
        await self._control.start()
        self._listener = await self._listen(self._office, self._measuring)
        clock, watch = self._wiring.clock, self._wiring.watch
        self._push = await open_doors(self._loaded, clock, watch, lambda: self._sessions)
        log.info("gateway_started", url=self._listener.url, store=self._store.identity.store_id[:8])

    async def _begin(self, store: SqliteStore) -> None:
        """Make sure that nobody on this machine runs on a copy, and count this start before anything is said."""
        if self._wiring.alone_on_host:
            self._host_lock = HostLock(store.identity.store_id)
            self._host_lock.acquire()
        await store.begin_start(self._wiring.ids.uuid())

    def _refuse_test_certificates(self) -> None:
        if self._loaded.settings.gateway.test_mode:
            return
        utilities = self._loaded.settings.utility
        southbound = self._loaded.settings.southbound
        given = [path for u in utilities for path in (u.certificate, u.ca) if path]
        push = self._loaded.settings.push
        given += [part.certificate for part in (southbound, push) if part.certificate]
        refuse_test_files(self._loaded.path(path) for path in given)

    def _make_office(self, store: SqliteStore) -> Office:
        wiring, keys = self._wiring, data_dir(self._loaded) / "keys"
        seed = wiring.seed
        signer = KeyFileSigner.seeded(seed) if seed else open_signer(data_dir(self._loaded))
        key = seed or installation_key(keys, fresh_key)
        book = make_book(
            self._loaded,
            installation_key=key,
            source=f"urn:gridgate:{signer.kid}",
            software=SOFTWARE,
        )
        return Office(
            book=book,
            store=store,
            clock=wiring.clock,
            signer=signer,
            log_key=log_key(keys, seed),
            bell=self._bells,
            decided=lambda decision: self._sessions.decide(decision) if self._sessions else None,
            scheduled=lambda schedule: self._sessions.decide(schedule) if self._sessions else None,
            timers_changed=lambda: self._timetable.changed() if self._timetable else None,
            attempts=FileAttempts(store.database.path),
            watch=wiring.watch,
            count=self._metrics.count,
            recognise=own_signature(signer),
            last_look=lambda: refuse_stopped(self._fencing),
        )

    async def _agree(self) -> None:
        office = self.office
        last = await office.store.read(last_stored)
        if last is not None:
            office.clock.not_before(last)
        now = office.clock.now()

        def job(work: Work) -> None:
            known_keys(office, work)
            note_start(office, work, effective(self._loaded))
            settle_in(office, work, now)

        await office.store.write(job, Step.AGREE)
        await Prover(office).head()

    def _make_control(self, office: Office) -> Control:
        book, clock, ids = office.book, office.clock, self._wiring.ids
        desk = StoreDesk(office.store, ids, clock, book.sites, book.test_mode)
        operator = OperatorDesk(Overrule(office), clock)
        state = StateDesk(SOFTWARE, clock, lambda: self._sessions, self._metrics.registry)
        schedules = ScheduleDesk(Scheduling(office), clock, ids)
        register = RegistrationDesk(lambda: self._sessions, office)
        reserve = ReservationDesk(lambda: self._sessions, office, ids)
        desks = (operator, schedules, register, reserve, LetterDesk(self._webhooks, clock), state)
        routes = tuple(route for each in desks for route in each.routes())
        if self._store is not None:
            routes += tuple(BackupDesk(self._store, clock).routes())
        return Control(data_dir(self._loaded), desk, clock, routes)

    async def _listen(self, office: Office, measuring: Measuring) -> Listener:
        southbound = self._loaded.settings.southbound
        app = make_app(
            Parts(
                store=office.store,
                desk=Feedback(office, self._recovery),
                clock=office.clock,
                ids=self._wiring.ids,
                bells=self._bells,
                signer=office.signer,
                registry=self._metrics.registry,
                source=office.book.source,
                checks={
                    "utilities": self._utilities_answer,
                    "clock": self._clock_is_sane,
                    "store": measuring.writable,
                },
                test_mode=office.book.test_mode,
                delivered=self._delivered.written if self._delivered else unnoted,
                refresh=measuring.refresh,
                pace=self._wiring.pace,
                watch=self._wiring.watch,
                fence=self._fencing,
                webhooks=self._webhooks,
                open=self._recovery.open if self._recovery else always,
            )
        )
        certificate, key = southbound.certificate, southbound.key
        context = (
            southbound_server(self._loaded.path(certificate), self._loaded.path(key))
            if certificate and key
            else None
        )
        return await listen(app, southbound.host, southbound.port, context)

    async def _utilities_answer(self) -> str:
        """Say what is wrong when no utility was heard lately; a site that is down never makes us unready."""
        sessions = self._sessions.health() if self._sessions else {}
        since_s = self.office.clock.elapsed_s() - FRESH.total_seconds()
        heard = [health.last_good_s for health in sessions.values()]
        if any(at_s is not None and at_s > since_s for at_s in heard):
            return ""
        return f"no utility has answered in the last {FRESH.total_seconds() / 60:g} minutes"

    async def _clock_is_sane(self) -> str:
        """Say what is wrong while the computer's clock shows a time that is long past."""
        self.office.clock.now()
        if self.office.clock.sane:
            return ""
        return "the computer's clock shows a time that is long past: set it; nothing new is started until then"

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            StoreError: the store cannot be trusted any more.
        """
        office = self.office
        self._sessions = Sessions(
            self._loaded,
            office,
            Inbound(office),
            Measure(office).collect,
            self._wiring.chance,
            self._wiring.ids,
            _SCHEMAS,
            self._metrics,
            self._wiring.tap,
        )
        steps = {"timetable": self._keep_time, "heads": self._heads}
        self._sessions.recovery = self._recovery
        self._sessions.before_send = self._push.look
        parts = {"delivered": self._delivered, "fencing": self._fencing, "recovery": self._recovery}
        steps |= {name: part.run for name, part in parts.items() if part is not None}
        for (site, name), courier in self._webhooks.couriers.items():
            steps[f"webhook {site}/{name}"] = partial(self._deliver, courier.run)
        for section in self._loaded.settings.utility:
            steps[section.name] = partial(self._sessions.drive, UtilityName(section.name))
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, start in steps.items():
                    tasks.create_task(keep(name, start, office.clock), name=name)
        except BaseExceptionGroup as group:
            raise first_of(group, GatewayError) or group from None

    def look_again(self) -> None:
        """Look at certificates again that could not be used when they were exchanged."""
        self._push.look_again()
        if self._sessions is not None:
            self._sessions.look_again()

    async def _deliver(self, run: Callable[[], Awaitable[None]]) -> None:
        if self._recovery is not None:
            await self._recovery.over()
        await run()

    async def _keep_time(self) -> None:
        if self._recovery is not None:
            await self._recovery.over()
        self._timetable = Timetable(self.office)
        await self._timetable.run()

    async def _heads(self) -> None:
        prover, clock = Prover(self.office), self.office.clock
        with clock.held():
            while True:
                await clock.sleep_until(clock.now() + HEAD_EVERY)
                await prover.head()

    async def stop(self) -> None:
        """End streams, then close the store; correctness never depends on it."""
        self._lag.stop()
        if self._control is not None:
            await self._control.stop()
        if self._listener is not None:
            await self._listener.stop()
        await self._push.stop()
        if self._sessions is not None:
            await self._sessions.close()
        if self._store is not None:
            await self._store.close()
        if self._host_lock is not None:
            self._host_lock.release()
