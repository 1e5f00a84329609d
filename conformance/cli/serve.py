"""``serve vtn2b``: a utility played by hand, until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from ssl import SSLContext

from pydantic import ValidationError

from conformance.admin2b.app import admin_app
from conformance.admin2b.operator import Operator
from conformance.cli.ending import INTERRUPTED, Exit
from conformance.cli.lines import fact_line, line
from conformance.cli.plan import options_of, plan_of
from conformance.cli.schedule import ListenSection, Schedule, VtnSection
from conformance.cli.timeline import Timeline, clock_of
from conformance.peers.programme import Planned, run_programme
from conformance.peers.push2b import PushPeer, as_client
from conformance.peers.vtn2b import Told, UtilityPeer
from gateway.app.ids import SystemChance, SystemIds
from gateway.client.clock import ScaledClock
from gateway.domain.errors import ConfigError, MisuseError
from gateway.observability.logs import set_up
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.replay import Limits
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.signature.verify import Policy
from gateway.protocols.oadr2b.vtn_facts import Fact
from gateway.servers.vtn2b.app import HttpOptions
from gateway.servers.vtn2b.courier import CourierOptions
from gateway.servers.vtn2b.replay_journal import StoredJournal
from gateway.servers.vtn2b.security import Security, SecurityOptions
from gateway.servers.vtn2b.sql import SqlStore
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.server import Listener, listen
from gateway.transport.tls import TlsFiles, openadr_server


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """How an operator reaches a played utility."""

    port: int = 0
    """On loopback; 0: any free one, which is told."""
    token: str = ""
    """What requests must bear; empty: drawn, and told."""


def plain_schedule(vtn_id: str, port: int, store: Path | None) -> Schedule:
    """Return the schedule of a utility that does nothing by itself: plain HTTP on loopback, whoever comes.

    Raises:
        ConfigError: the id cannot be one.
    """
    try:
        vtn = VtnSection(id=vtn_id, store=store)
    except ValidationError as error:
        raise ConfigError((f"--vtn-id: {error.errors()[0]['msg']}",)) from None
    return Schedule(vtn=vtn, listen=ListenSection(port=port))


def serve_vtn2b(schedule: Schedule, timeline: Timeline | None, desk: Desk | None) -> Exit:
    """Play the utility of a schedule; facts go to stdout as JSON lines, logs to stderr.

    Args:
        schedule: What it does by itself.
        timeline: The clock to share; the wall's time without one.
        desk: Where an operator may tell it more; None: nowhere.

    Returns:
        ``OK`` after SIGTERM, ``INTERRUPTED`` after SIGINT.

    Raises:
        ConfigError: certificate, key and authority do not fit.
        StoreError: the store cannot be read.
        OSError: an address cannot be listened on.
    """
    clock = clock_of(timeline)
    set_up(clock.now, as_json=not sys.stderr.isatty())
    origin = clock.now() if timeline is None else timeline.origin
    return asyncio.run(_Played(schedule, clock, origin, desk).run())


def utility_of(
    schedule: Schedule, clock: ScaledClock, watch: Callable[[Told[Fact]], None]
) -> UtilityPeer:
    """Build the utility of a schedule.

    Raises:
        ConfigError: certificate, key and authority do not fit.
    """
    codec = Codec(load_oadr20b_schema())
    vtn = schedule.vtn
    http = HttpOptions(
        prefix=schedule.listen.prefix,
        schema_error_status=vtn.schema_error_status,
        requests_per_s=vtn.requests_per_s,
    )
    ids = SystemIds()
    store = SqlStore(vtn.store, codec) if vtn.store is not None else None
    options = _security(schedule, ids)
    journal = StoredJournal(store) if store is not None else None
    return UtilityPeer(
        options_of(schedule),
        clock=clock,
        ids=ids,
        codec=codec,
        tls=_context(schedule.listen),
        host=schedule.listen.host,
        port=schedule.listen.port,
        store=store,
        http=http,
        watch=watch,
        security=Security(options, codec, clock, journal) if options is not None else None,
        push=_push(schedule) if vtn.push else None,
        transcript=vtn.transcript,
    )


def _push(schedule: Schedule) -> PushPeer:
    """Return how VENs in push mode are reached: as whom the utility listens."""
    context = as_client(_files(schedule.listen), schedule.listen.tls_profile)
    options = CourierOptions(again_after=schedule.vtn.push_again_after)
    return PushPeer(context, SystemChance(), options)


def _security(schedule: Schedule, ids: SystemIds) -> SecurityOptions | None:
    """Return how signatures are made and verified; None: not at all.

    Raises:
        ConfigError: certificate and key cannot sign.
    """
    vtn, listen = schedule.vtn, schedule.listen
    if listen.certificate is None or listen.key is None or vtn.xml_signature == "never":
        return None
    try:
        chain, key = listen.certificate.read_bytes(), listen.key.read_bytes()
    except OSError as error:
        fault = f"{error.filename}: {error.strerror}; give the path of a PEM file"
        raise ConfigError((fault,), "NO_FILE") from None
    return SecurityOptions(
        seal=Sealer(signing_key(chain, key), ids),
        wanted=vtn.xml_signature,
        policy=Policy(sha1=vtn.signature_sha1, signature_last=vtn.signature_last),
        limits=Limits(past=vtn.signature_window, future=vtn.signature_window),
        refusal=vtn.signature_refusal,
    )


def _files(listen: ListenSection) -> TlsFiles | None:
    if listen.certificate is None or listen.key is None or listen.ca is None:
        return None
    return TlsFiles(certificate=listen.certificate, key=listen.key, ca=listen.ca)


def _context(listen: ListenSection) -> SSLContext | None:
    files = _files(listen)
    return None if files is None else openadr_server(files, listen.tls_profile)


class _Played:
    """One run of a schedule."""

    def __init__(
        self, schedule: Schedule, clock: ScaledClock, origin: datetime, desk: Desk | None
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._plan = plan_of(schedule, origin)
        self._stop = asyncio.Event()
        self._exit = Exit.OK
        self._utility = utility_of(schedule, clock, self._tell)
        self._vtn_id = schedule.vtn.id

    async def run(self) -> Exit:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._leave, name)
        await self._utility.start()
        admin = None
        try:
            told: dict[str, object] = {"url": self._utility.url, "vtn_id": self._vtn_id}
            if self._desk is not None:
                admin, token = await self._opened(self._desk)
                told |= {"admin": admin.url}
                # A token that the operator brought is not told to whoever reads along.
                told |= {} if self._desk.token else {"token": token}
            self._say("listening", told)
            deeds = run_programme(self._utility, self._plan, self._clock, self._failed)
            async with asyncio.TaskGroup() as group:
                doing = group.create_task(deeds, name="programme")
                await self._stop.wait()
                doing.cancel()
        finally:
            if admin is not None:
                await admin.stop()
            await self._utility.stop()
        return self._exit

    async def _opened(self, desk: Desk) -> tuple[Listener, str]:
        ids = SystemIds()
        token = desk.token or ids.token()
        operator = Operator(self._utility, self._clock, self._vtn_id, ids.uuid()[:8])
        app = admin_app(operator, self._clock, token)
        return await listen(app, "127.0.0.1", desk.port, None), token

    def _leave(self, name: signal.Signals) -> None:
        self._exit = INTERRUPTED if name is signal.SIGINT else Exit.OK
        self._stop.set()

    def _tell(self, told: Told[Fact]) -> None:
        self._write(fact_line(told.fact, told.at))

    def _failed(self, planned: Planned, error: MisuseError) -> None:
        fields = {"deed": planned.deed.what, "reason": error.reason, "detail": error.detail}
        self._say("failed", fields)

    def _say(self, what: str, fields: Mapping[str, object]) -> None:
        self._write(line(self._clock.now(), what, fields))

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # Nobody listens any more: there is nothing left to serve for.
            self._stop.set()
