"""The utility of the story in IEEE 2030.5: our server over mutual TLS, read by polling.

12:04  e1 is issued for 12:20 to 12:32
12:05  e2 is issued for 12:39 and cancelled at 12:13, before it began
12:06  e3 is issued; the site stays silent, so the declared default is answered
12:07  e4 is issued; the site refuses
12:10  e5 is issued for 12:20 to 12:36: it supersedes e1, is followed and settled
12:15  the utility is away for two and a half minutes
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from certs.sep2.hierarchy import sep2
from conformance.sep2files import identity_files
from conformance.soak.history import UTILITY, Down, Found, Opt, Ordered, Up
from conformance.story.cast import Cast, Write
from conformance.story.plot import AWAY, OPT_BY, POLL, SAMPLE, SITE, START, configuration
from gateway.domain.points import sep2_points
from gateway.domain.ports import Clock, Ids
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept, Posted, Turn
from gateway.protocols.sep2.server.terms import EventTerms
from gateway.protocols.sep2.tables import Edition, Flavour
from gateway.servers.sep2.app import HttpOptions
from gateway.servers.sep2.store import Loaded, MemoryStore
from gateway.servers.sep2.utility import Place, Sep2Utility
from gateway.transport.sep2_tls import Sep2Profile, sep2_server
from gateway.transport.tls import TlsFiles

PIN: Final = 111115
PROGRAM: Final = "story"
_CAP: Final = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=75))
_MRIDS: Final = {
    name: f"{n:024X}00009F1C" for n, name in enumerate(("e1", "e2", "e3", "e4", "e5"), 1)
}
_NAMES: Final = {mrid: name for name, mrid in _MRIDS.items()}
_WORDS: Final[Mapping[str, tuple[Opt, ...]]] = {
    "e1": ("in",),
    "e2": ("out", "in"),
    "e3": (),
    "e5": ("in",),
}
_RESPONSES: Final = tuple(
    f"response {event} {status}"
    for event, statuses in {
        "e1": (1, 7),  # superseded by e5
        "e2": (1, 6),  # cancelled
        "e3": (1, 4, 10),  # the site is silent: opted out by default, over without it
        "e4": (1, 4, 10),
        "e5": (1, 2, 3),
    }.items()
    for status in statuses
)
_OVERTAKEN: Final = ("response e2 4", "response e2 5")
"""The site's second thoughts about e2, of which the first may be overtaken before the gateway can tell it."""
_WATTS: Final = 38
"""Unit of the mirrored readings."""
_READINGS: Final = tuple(f"reading {_WATTS} {START + k * SAMPLE:%H:%M}" for k in range(9))
_MINUTE: Final = timedelta(minutes=1)
_UNFURNISHED: Final = -1
"""Before the first deed: device, assignment and program are not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An event of the plot."""

    minute: int
    """When it is issued."""
    name: str
    start: int
    """Minute of its start."""
    lasts: int
    """Minutes."""
    supersedes: str = ""

    @property
    def ends(self) -> datetime:
        """Return its end."""
        return START + (self.start + self.lasts) * _MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """An event of the plot is taken back."""

    minute: int
    event: Issued


_E1 = Issued(minute=4, name="e1", start=20, lasts=12)
_E2 = Issued(minute=5, name="e2", start=39, lasts=3)
DEEDS: Final[Sequence[Issued | Cancelled]] = (
    _E1,
    _E2,
    Issued(minute=6, name="e3", start=37, lasts=2),
    Issued(minute=7, name="e4", start=43, lasts=2),
    Issued(minute=10, name="e5", start=20, lasts=16, supersedes="e1"),
    Cancelled(minute=13, event=_E2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Whom the certificates of the stories were made for; the same in every story of a process."""

    room: tempfile.TemporaryDirectory[str]
    """Is gone with the process."""
    lfdi: str
    """Of the gateway's device."""
    device: TlsFiles
    server: TlsFiles


@cache
def parties() -> Parties:
    """Make the certificates, once."""
    room = tempfile.TemporaryDirectory(prefix="story-")
    folder, pki = Path(room.name), sep2(4)
    device = pki.device("STORY")
    return Parties(
        room=room,
        lfdi=device.lfdi,
        device=identity_files(folder, "device", device, pki),
        server=identity_files(folder, "server", pki.server(), pki),
    )


@dataclass(frozen=True, slots=True)
class Port:
    """Where the utility listens: addresses that a client keeps would lead nowhere if it came back elsewhere."""

    number: int


class KeptTurns(MemoryStore):
    """A store that keeps every turn, so that another server can go on from any moment, and says what devices told.

    Args:
        write: Takes its marks.
        turns: What was kept before.
    """

    def __init__(self, write: Write, turns: Sequence[Turn]) -> None:
        super().__init__()
        self.turns = list(turns)
        self._write = write

    async def load(self) -> Loaded:
        """Return everything that was kept."""
        await super().save(self.turns)
        kept: dict[str, Kept | None] = {}
        members: dict[tuple[str, str], bool] = {}
        moves: dict[str, str] = {}
        for turn in self.turns:
            kept.update(turn.kept)
            members.update(turn.members)
            moves.update(turn.moves)
        return Loaded(
            kept=[one for one in kept.values() if one is not None],
            members=[pair for pair, stands in members.items() if stands],
            moves=list(moves.items()),
        )

    async def save(self, turns: Sequence[Turn]) -> None:
        """Keep what turns changed."""
        self.turns.extend(turns)
        await super().save(turns)
        for turn in turns:
            for one in turn.kept.values():
                if one is not None and isinstance(one.value, sep.Response):
                    self._responded(one.value, one)
            for posted in turn.readings:
                self._read(posted)

    def _responded(self, response: sep.Response, one: Kept) -> None:
        event = _NAMES.get(response.subject, response.subject)
        key = f"response {event} {response.status}"
        self._write(Found(at=one.at, key=key, content=one.scope))

    def _read(self, posted: Posted) -> None:
        start = datetime.fromtimestamp(posted.start, UTC)
        if start >= START:
            key = f"reading {posted.uom} {start:%H:%M}"
            self._write(Found(at=posted.at, key=key, content=f"{posted.value}e{posted.multiplier}"))


class Sep2StoryUtility:
    """Plays the utility.

    Args:
        clock: Time.
        ids: Of its resources.
        write: Takes its marks.
        past: What one before it has kept.
    """

    def __init__(self, clock: Clock, ids: Ids, write: Write, past: Sequence[object]) -> None:
        self._clock = clock
        self._ids = ids
        self._write = write
        self._store = KeptTurns(write, [one for one in past if isinstance(one, Turn)])
        self._port = next((one.number for one in past if isinstance(one, Port)), 0)
        self._peer = self._make()
        self._url = ""
        self.done = _UNFURNISHED

    @property
    def url(self) -> str:
        """Return what the gateway is given; the same while nobody listens there."""
        return self._url

    @property
    def turns(self) -> Sequence[object]:
        """Return everything that it has kept so far."""
        return (Port(self._port), *self._store.turns)

    async def start(self) -> None:
        """Listen."""
        await self._peer.start()
        self._url, self._port = self._peer.url, self._peer.port
        if self.done == _UNFURNISHED:
            await self._furnish()
            self.done = 0

    async def stop(self) -> None:
        """Listen no longer."""
        await self._peer.stop()

    async def act(self) -> None:
        """Do what the plot says, from where it stands, then return; the caller holds a token of the clock."""
        away = self._clock.now() >= AWAY.start
        for deed in DEEDS[self.done :]:
            await self._clock.sleep_until(START + deed.minute * _MINUTE)
            await self._do(deed)
            self.done += 1
        if not away:
            await self._clock.sleep_until(AWAY.start)
            await self._leave()

    async def _furnish(self) -> None:
        lfdi, operate = parties().lfdi, self._peer.operate
        await operate(lambda o, now: o.register(NewDevice(lfdi=lfdi, pin=PIN), now))
        fsa = await operate(lambda o, now: o.create_fsa(now, PROGRAM))
        await operate(lambda o, now: o.create_program(sep.DERProgram, 2, (fsa,), now, PROGRAM))
        await operate(lambda o, now: o.assign(fsa, (lfdi,), now))

    async def _leave(self) -> None:
        """Be away for a while, then come back to the same address."""
        self._write(Down(at=self._clock.now(), who=UTILITY))
        await self._peer.stop()
        await self._clock.sleep_until(AWAY.end)
        self._store = KeptTurns(self._write, self._store.turns)
        self._peer = self._make()
        await self._peer.start()
        self._write(Up(at=self._clock.now(), who=UTILITY))

    async def _do(self, deed: Issued | Cancelled) -> None:
        if isinstance(deed, Cancelled):
            self._order(deed.event.name, deed.event.ends, cancels=True)
            mrid = _MRIDS[deed.event.name]
            await self._peer.issue(lambda i, now: i.cancel(mrid, now))
            return
        if deed.supersedes:
            self._order(deed.supersedes, deed.ends, cancels=True)
        self._order(deed.name, deed.ends)
        terms = EventTerms(
            start=START + deed.start * _MINUTE,
            duration=deed.lasts * _MINUTE,
            mrid=_MRIDS[deed.name],
            response_required=3,
        )
        program = next(
            o.value.mrid
            for o in self._peer.desk.server.book.entries.values()
            if isinstance(o.value, sep.DERProgram)
        )
        await self._peer.issue(lambda i, now: i.create_control(program, _CAP, terms, now))

    def _order(self, name: str, ends: datetime, *, cancels: bool = False) -> None:
        self._write(
            Ordered(
                at=self._clock.now(),
                event=name,
                version=int(cancels),
                sites=(SITE,),
                ends=ends,
                cancels=cancels,
                wants_answer=False,  # responses have statuses of their own, looked for one by one
                silence=OPT_BY,
            )
        )

    def _make(self) -> Sep2Utility:
        seconds = int(POLL.total_seconds())
        profile = Sep2Profile.SEP2
        options = ServerOptions(
            flavour=Flavour(edition=Edition.Y2018, csip_aus=True),
            poll_rate=seconds,
            event_poll_rate=seconds,
            post_rate=int(SAMPLE.total_seconds()),
        )
        return Sep2Utility(
            options,
            Place(tls=sep2_server(parties().server, profile), profile=profile, port=self._port),
            clock=self._clock,
            ids=self._ids,
            store=self._store,
            http=HttpOptions(requests_per_s=0),
        )


def _configure(folder: Path, url: str) -> Path:
    files = parties().device
    return configuration(
        folder,
        f"""\
protocol = "csip_aus"
url = "{url}"
certificate = "{files.certificate}"
key = "{files.key}"
ca = "{files.ca}"
pin = {PIN}
""",
        PROGRAM,
    )


def _names(source: Mapping[str, str]) -> tuple[str, int]:
    return _NAMES[source["mRID"]], 0


SEP2: Final = Cast(
    utility=Sep2StoryUtility,
    configure=_configure,
    words=_WORDS,
    names=_names,
    event=lambda event_id: _NAMES.get(event_id, event_id),
    points=sep2_points(),
    settled="e5",
    told=(*_RESPONSES, *_READINGS),
    perhaps=_OVERTAKEN,
)
"""The story in IEEE 2030.5 with CSIP-AUS."""
