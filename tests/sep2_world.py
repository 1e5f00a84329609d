"""A world of one 2030.5 client session and a small server of its own: no sockets, no waiting, every instant met.

The server is written for the tests: a table of addresses that a test fills and changes, with paging as clause 4.6.2
says, and a record of everything that was asked and posted.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - the world seeds the chance that it hands the session
from urllib.parse import parse_qs, urljoin, urlsplit

from gateway.domain.event import GridEvent
from gateway.domain.names import MeterId, SiteId, UtilityName
from gateway.domain.opting import Decision
from gateway.domain.protocol import ProtocolName
from gateway.protocols.actions import (
    Action,
    Collect,
    Emit,
    Failure,
    Message,
    Note,
    Readings,
    Reply,
    Send,
    Wake,
)
from gateway.protocols.entry import MeterPoint, ProgramTerms, Scope, Tools
from gateway.protocols.parts import State, joined
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import MEMBERS
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.session import Sep2Session
from gateway.protocols.sep2.codec import Edition, Flavour, decode, encode
from tests.fakes import CountedIds

START = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
ORIGIN = "https://utility.example"
ROOT = f"{ORIGIN}/dcap"
LFDI = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
SFDI = 167261211391
FLAVOUR = Flavour(edition=Edition.Y2018, csip_aus=True)


def seconds(at: datetime) -> int:
    """Return an instant as TimeType."""
    return int(at.timestamp())


def mrid(number: int) -> str:
    """Make an mRID."""
    return f"{number:024X}00009F1C"


@dataclass(slots=True, kw_only=True)
class Posted:
    """Something that the client wrote."""

    at: datetime
    method: str
    href: str
    value: object
    body: bytes


@dataclass(slots=True, kw_only=True)
class Server:
    """Addresses and what stands there; lists as tuples of members with the list's own attributes beside."""

    resources: dict[str, sep.Resource] = field(default_factory=dict)
    asked: list[tuple[datetime, str]] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    flavour: Flavour = FLAVOUR
    most: int = 255
    """Members in one answer, whatever ``l`` says."""
    down: bool = False
    statuses: dict[str, int] = field(default_factory=dict)
    """href -> status to answer instead."""
    raw: dict[str, bytes] = field(default_factory=dict)
    """href -> bytes to answer instead, whatever they are."""
    on_post: Callable[[Posted], tuple[int, str] | None] = lambda _: None
    """Looks at what is written; may answer (status, Location) itself."""
    offset: timedelta = timedelta(0)

    def answer(self, send: Send, now: datetime) -> Message | Failure:
        """Answer one request."""
        url = urlsplit(send.href)
        if self.down:
            return Failure(request_id=send.request_id, reason="CONNECT")
        status, body, location = self._handled(send, url.path, parse_qs(url.query), now)
        return Message(
            request_id=send.request_id,
            service=send.service,
            body=body,
            status=status,
            media_type="application/sep+xml",
            peer=LFDI,
            location=location,
            href=urljoin(ROOT, send.href),
        )

    def _handled(
        self, send: Send, path: str, query: dict[str, list[str]], now: datetime
    ) -> tuple[int, bytes, str]:
        if send.method == "GET":
            self.asked.append((now, send.href.removeprefix(ORIGIN)))
            if path in self.statuses:
                return self.statuses[path], b"", ""
            if path in self.raw:
                return 200, self.raw[path], ""
            found = self.resources.get(path)
            if found is None:
                return 404, b"", ""
            if isinstance(found, sep.Time):
                found = replace(found, current_time=seconds(now + self.offset))
            return 200, encode(self._paged(found, query), self.flavour), ""
        posted = Posted(
            at=now,
            method=send.method,
            href=path,
            value=self._read(send.body),
            body=send.body,
        )
        self.posted.append(posted)
        own = self.on_post(posted)
        if own is not None:
            return own[0], b"", own[1]
        return (201, b"", f"{path}/{len(self.posted)}") if send.method == "POST" else (204, b"", "")

    def _read(self, body: bytes) -> object:
        old = self.flavour.old
        return decode(body, object, strict=True, old_namespace=old).value if body else None

    def _paged(self, found: sep.Resource, query: dict[str, list[str]]) -> sep.Resource:
        attribute = MEMBERS.get(type(found))
        if attribute is None:
            return found
        members = getattr(found, attribute)
        start, limit = int(query.get("s", ["0"])[0]), int(query.get("l", ["1"])[0])
        part = members[start : start + min(limit, self.most)]
        return replace(found, **{attribute: part, "all": len(members), "results": len(part)})

    def put(self, href: str, members: Iterable[sep.Resource], **others: object) -> None:
        """Let a list stand at an address that has one."""
        found = self.resources[href]
        attribute = MEMBERS[type(found)]
        self.resources[href] = replace(found, **{attribute: tuple(members), **others})  # type: ignore[arg-type] # by name

    def responses(self) -> list[tuple[str, int]]:
        """Return (mRID, status) of every response, in order."""
        return [
            (posted.value.subject, posted.value.status or 0)
            for posted in self.posted
            if isinstance(posted.value, sep.Response)
        ]


def listing(kind: type[sep.Resource], href: str, **others: object) -> sep.Resource:
    """Make an empty list."""
    return kind(href=href, all=0, results=0, **others)  # type: ignore[call-arg] # of a list


def utility(rate: int = 60, *, lfdi: str = LFDI, sfdi: int = SFDI) -> Server:
    """Make a server with one device, one assignment, one DER program with a default, one DR program."""
    server = Server()
    found: list[sep.Resource] = [
        sep.DeviceCapability(
            href="/dcap",
            poll_rate=rate,
            time_link=sep.Link(href="/tm"),
            end_device_list_link=sep.ListLink(href="/edev", all=1),
            mirror_usage_point_list_link=sep.ListLink(href="/mup", all=0),
        ),
        sep.Time(
            href="/tm",
            current_time=0,
            dst_end_time=0,
            dst_offset=0,
            dst_start_time=0,
            quality=7,
            tz_offset=0,
            poll_rate=rate,
        ),
        listing(sep.EndDeviceList, "/edev", poll_rate=rate),
        sep.Registration(href="/edev/1/rg", date_time_registered=0, pin=111115, poll_rate=rate),
        listing(sep.FunctionSetAssignmentsList, "/edev/1/fsa", poll_rate=rate),
        listing(sep.DERList, "/edev/1/der", poll_rate=rate),
        listing(sep.DERProgramList, "/derp", poll_rate=rate),
        listing(sep.DERControlList, "/derp/1/derc"),
        sep.DefaultDERControl(
            href="/derp/1/dderc", mrid=mrid(9001), der_control_base=sep.DERControlBase()
        ),
        listing(sep.DemandResponseProgramList, "/dr", poll_rate=rate),
        listing(sep.EndDeviceControlList, "/dr/1/edc"),
        listing(sep.MirrorUsagePointList, "/mup", poll_rate=rate),
    ]
    server.resources = {one.href or "": one for one in found}
    server.put(
        "/edev",
        [
            sep.EndDevice(
                href="/edev/1",
                lfdi=lfdi,
                sfdi=sfdi,
                changed_time=0,
                enabled=True,
                der_list_link=sep.ListLink(href="/edev/1/der", all=1),
                registration_link=sep.Link(href="/edev/1/rg"),
                function_set_assignments_list_link=sep.ListLink(href="/edev/1/fsa", all=1),
            )
        ],
    )
    server.put(
        "/edev/1/der",
        [
            sep.DER(
                href="/edev/1/der/1",
                der_capability_link=sep.Link(href="/edev/1/der/1/dercap"),
                der_settings_link=sep.Link(href="/edev/1/der/1/derg"),
                der_status_link=sep.Link(href="/edev/1/der/1/ders"),
            )
        ],
    )
    server.put(
        "/edev/1/fsa",
        [
            sep.FunctionSetAssignments(
                href="/edev/1/fsa/1",
                mrid=mrid(7001),
                time_link=sep.Link(href="/tm"),
                der_program_list_link=sep.ListLink(href="/derp", all=1),
                demand_response_program_list_link=sep.ListLink(href="/dr", all=1),
            )
        ],
    )
    server.put(
        "/derp",
        [
            sep.DERProgram(
                href="/derp/1",
                mrid=mrid(8001),
                description="site program",
                primacy=2,
                default_der_control_link=sep.Link(href="/derp/1/dderc"),
                der_control_list_link=sep.ListLink(href="/derp/1/derc", all=0),
            )
        ],
    )
    server.put(
        "/dr",
        [
            sep.DemandResponseProgram(
                href="/dr/1",
                mrid=mrid(8002),
                primacy=3,
                end_device_control_list_link=sep.ListLink(href="/dr/1/edc", all=0),
            )
        ],
    )
    return server


def control(number: int, start: datetime, minutes: float, **others: object) -> sep.DERControl:
    """Make a DERControl that caps import at 5 MW unless told otherwise."""
    base = others.pop("base", None) or sep.DERControlBase(
        op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=5000)
    )
    told: dict[str, object] = {
        "href": f"/derp/1/derc/{number}",
        "mrid": mrid(number),
        "creation_time": seconds(START) - 3600,
        "event_status": status(0, START),
        "interval": sep.DateTimeInterval(start=seconds(start), duration=int(minutes * 60)),
        "der_control_base": base,
        "reply_to": "/rsp",
        "response_required": 3,
        **others,
    }
    return sep.DERControl(**told)  # type: ignore[arg-type] # by name


def status(current: int, at: datetime) -> sep.EventStatus:
    """Make an EventStatus."""
    return sep.EventStatus(
        current_status=current, date_time=seconds(at), potentially_superseded=False
    )


def scope(**others: object) -> Scope:
    """Make the part of the configuration that the session concerns."""
    terms = ProgramTerms(name="site program", sites=(SiteId("phx-1"),))
    point = MeterPoint(
        site=SiteId("phx-1"), meter=MeterId("it_load"), interval=timedelta(minutes=1)
    )
    told: dict[str, object] = {
        "utility": UtilityName("apex"),
        "programs": (terms,),
        "points": (point,),
        "root": ROOT,
        "lfdi": LFDI,
        "contracted_import_kw": Decimal(10_000),
        **others,
    }
    return Scope(**told)  # type: ignore[arg-type] # by name


def keep(parts: dict[str, bytes], state: State) -> None:
    """Take what of a state has changed, as a store does."""
    assert not isinstance(state, bytes), "this session writes its state in parts"
    for name, body in state.items():
        if body is None:
            parts.pop(name, None)
        else:
            parts[name] = body


@dataclass(slots=True)
class World:
    """Performs what the session asks, in virtual time."""

    server: Server
    options: Sep2Options = field(default_factory=lambda: Sep2Options(csip_aus=True, pin=111115))
    scope: Scope = field(default_factory=scope)
    now: datetime = START
    trip: timedelta = timedelta(milliseconds=20)
    session: Sep2Session = field(init=False)
    events: list[GridEvent] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    metered: Callable[[Collect], Readings] | None = None
    parts: dict[str, bytes] = field(default_factory=dict)
    """The stored state."""
    most_in_flight: int = 0
    most_parts_at_once: int = 0
    """Parts of the state that were written in one turn."""
    _queue: list[tuple[datetime, int, object]] = field(default_factory=list)
    _order: int = 0
    _wake: datetime | None = None
    _seed: int = 1

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Make the session from what is stored; what was under way is lost, as in a crash."""
        tools = Tools(chance=Random(self._seed), ids=CountedIds())
        self.session = Sep2Session(
            self.options,
            self.scope,
            tools,
            ProtocolName.CSIP_AUS,
            joined(self.parts) if self.parts else None,
        )
        self._queue = []
        self._wake = self.now

    def run(self, until: datetime | timedelta) -> "World":
        """Let time pass."""
        end = self.now + until if isinstance(until, timedelta) else until
        while True:
            at = self._next()
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            if self._queue and self._queue[0][0] <= self.now:
                self._perform(self._open(heapq.heappop(self._queue)[2]))
            else:
                self._wake = None
                self._perform(self.session.on_time(self.now))
        self.now = end
        return self

    def push(self, service: str, body: bytes) -> int:
        """Let the server ask the session something; return the status of its answer."""
        message = Message(request_id="", service=service, body=body, peer=LFDI)
        self._perform(self.session.on_message(message, self.now))
        return self.replies[-1].status

    def decide(self, decision: Decision) -> None:
        """Hand the session what a site or an operator decided."""
        self._perform(self.session.on_decisions((decision,), self.now))

    def _next(self) -> datetime | None:
        wishes = [self._wake, self._queue[0][0] if self._queue else None]
        return min((at for at in wishes if at is not None), default=None)

    def _open(self, item: object) -> list[Action]:
        match item:
            case Message():
                return list(self.session.on_message(item, self.now))
            case Failure():
                return list(self.session.on_failure(item, self.now))
            case Readings():
                return list(self.session.on_readings(item, self.now))
            case _:
                raise AssertionError(item)

    def _perform(self, actions: Iterable[Action]) -> None:
        changes = self.session.changes()
        self.most_parts_at_once = max(self.most_parts_at_once, len(changes))
        keep(self.parts, changes)
        self.session.kept()
        for action in actions:
            match action:
                case Send():
                    answer = self.server.answer(action, self.now + self.trip / 2)
                    self._later(self.now + self.trip, answer)
                case Emit():
                    self.events.extend(action.events)
                case Wake():
                    self._wake = min(action.at, self._wake or action.at)
                case Note():
                    self.notes.append(action)
                case Reply():
                    self.replies.append(action)
                case Collect():
                    if self.metered is not None:
                        self._later(self.now, self.metered(action))
                case _:
                    raise AssertionError(action)

    def _later(self, at: datetime, item: object) -> None:
        self._order += 1
        heapq.heappush(self._queue, (at, self._order, item))
        self.most_in_flight = max(self.most_in_flight, len(self._queue))

    def words(self) -> list[str]:
        """Return the words of the notes."""
        return [note.word for note in self.notes]
