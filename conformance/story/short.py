"""A story of some seconds in real time: four events, a change, a cancellation and a batch, and the site that counts.

follow      the site takes part; changed later
taken-back  the site takes part; cancelled later
refused     the site refuses
silent      the site says nothing, so the declared default is answered
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.soak.history import Acted, Handed, Mark, Opt, Ordered, Said
from conformance.story.site import Post
from gateway.client.exchange import BackLaterError, Exchange
from gateway.client.problem import Refused
from gateway.client.stream import Stream
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.ports import Clock
from gateway.domain.signed import document_digest
from gateway.domain.timespan import duration_text, instant_text
from gateway.protocols.oadr2b.messages import SignalType

SITE: Final = "phx-1"
BATCH: Final = "batch b-1"
"""Key of the one batch that is handed over."""
FOLLOW: Final = "follow"
TAKEN_BACK: Final = "taken-back"
REFUSED: Final = "refused"
SILENT: Final = "silent"
OPT_BY: Final[Mapping[str, timedelta]] = {
    FOLLOW: timedelta(seconds=20),
    TAKEN_BACK: timedelta(seconds=20),
    REFUSED: timedelta(seconds=20),
    SILENT: timedelta(seconds=2),
}
"""Event -> how long the gateway waits for the site's word."""
LOOK: Final = timedelta(seconds=0.1)
_SAMPLE: Final = timedelta(minutes=5)
_DEADLINE_S: Final = 10.0
_IDLE_S: Final = 60.0


def event(name: str, start: datetime, lasts: timedelta) -> EventSpec:
    """Return one of the events; a limit in kW, so that nothing need be metered before it."""
    signal = SignalSpec(
        name="LOAD_DISPATCH",
        type=SignalType.SETPOINT,
        unit="kW",
        steps=(Step(lasts=lasts, value=Decimal(90)),),
    )
    return EventSpec(
        event_id=name,
        market_context=f"http://utility.example/{OPT_BY[name].seconds}",
        start=start,
        signals=(signal,),
        notification=timedelta(seconds=60),
        resources=(SITE,),
    )


def ordered(
    name: str, at: datetime, ends: datetime, *, version: int = 0, cancels: bool = False
) -> Ordered:
    """Return the mark of an event that is put out, changed or taken back."""
    return Ordered(
        at=at,
        event=name,
        version=version,
        sites=(SITE,),
        ends=ends,
        cancels=cancels,
        silence=OPT_BY[name],
    )


@dataclass
class ShortSite:
    """A site that carries out every command that is new to it, and tells until it was heard; outlives the gateway.

    Args:
        clock: Time.
        write: Takes its marks.
    """

    clock: Clock
    write: Callable[[Mark], None]
    posts: list[Post] = field(default_factory=list)
    _cursor: int = 0
    _known: dict[str, int] = field(default_factory=dict)

    async def listen(self, exchange: Exchange) -> None:
        """Follow the stream for ever."""
        while True:
            try:
                path = f"/stream?site={SITE}&after={self._cursor}"
                answer = await exchange.open(path, deadline_s=_DEADLINE_S)
                await self._follow(Stream(answer, self.clock, _IDLE_S))
            except (BackLaterError, Refused):
                await self.clock.sleep_until(self.clock.now() + LOOK)

    async def _follow(self, stream: Stream) -> None:
        try:
            while True:
                block = await stream.next()
                if not block.event:
                    continue
                data = orjson.loads(block.data)["data"]
                documents = {"intent": [data], "reset": data.get("intents", [])}
                for document in documents.get(block.event, []):
                    self._obey(document)
                self._cursor = block.sequence
        finally:
            stream.close()

    def _obey(self, document: Mapping[str, Any]) -> None:
        """Carry a command out if it is new; acknowledge it in any case."""
        intent, now = ComputeFlexIntent.model_validate(document), self.clock.now()
        path = f"/intents/{intent.id}"
        ack = {
            "revision": intent.revision,
            "sequence": intent.sequence,
            "receiver": SITE,
            "received_at": instant_text(now),
            "digest": document_digest(document),
        }
        self.posts.append(Post(at=now, path=f"{path}/ack", body=ack))
        if intent.revision <= self._known.get(intent.id, 0):
            return
        self._known[intent.id] = intent.revision
        ids, cancels = intent.provenance.source_ids, intent.cancelled_at is not None
        name, version = ids["eventID"], int(ids["modificationNumber"])
        command = f"{intent.id}/{intent.revision}"
        self.write(
            Acted(at=now, site=SITE, event=name, version=version, command=command, cancels=cancels)
        )
        if not cancels and name != SILENT:
            opt: Opt = "out" if name == REFUSED else "in"
            said = {"reason": "infeasible"} if opt == "out" else {"opt": opt}
            path += "/rejection" if opt == "out" else "/commitment"
            body = {"revision": intent.revision, **said}
            self.posts.append(Post(at=now, path=path, body=body, word=(name, version, opt)))

    def beat(self) -> None:
        """Put a heartbeat among the posts."""
        now = self.clock.now()
        body = {"at": instant_text(now), "known": dict(self._known), "software": "story"}
        self.posts.append(Post(at=now, path=f"/sites/{SITE}/heartbeat", body=body))

    def meter(self) -> None:
        """Put the one batch among the posts, and a look at the plan after it, for which nothing is written."""
        now = self.clock.now()
        began = datetime.fromtimestamp(0, UTC)
        sample = {
            "meter": "it_load",
            "start": instant_text(now - (now - began) % _SAMPLE - _SAMPLE),
            "duration": duration_text(_SAMPLE),
            "energy_kwh": "8",
        }
        body = {"batch_id": BATCH.removeprefix("batch "), "samples": [sample]}
        path = f"/sites/{SITE}"
        self.posts.append(Post(at=now, path=f"{path}/telemetry", body=body, hands=BATCH))
        self.posts.append(Post(at=now, path=f"{path}/plan", body={}))

    async def tell(self, exchange: Exchange) -> None:
        """Send what is there, each until it was heard, for ever."""
        while True:
            try:
                while self.posts:
                    await self._send(exchange, self.posts[0])
                    del self.posts[0]
            except BackLaterError:
                pass  # the gateway is away; everything is still there at the next look
            await self.clock.sleep_until(self.clock.now() + LOOK)

    async def _send(self, exchange: Exchange, post: Post) -> None:
        self._tell_of(post, sure=False)
        method, body = ("POST", orjson.dumps(post.body)) if post.body else ("GET", None)
        try:
            await exchange.ask(method, post.path, body, deadline_s=_DEADLINE_S)
        except Refused:
            return  # it will not change: too late, or overtaken
        self._tell_of(post, sure=True)

    def _tell_of(self, post: Post, *, sure: bool) -> None:
        at = self.clock.now()
        if post.word is not None:
            name, version, opt = post.word
            said = Said(at=at, site=SITE, event=name, version=version, opt=opt, sure=sure)
            self.write(said)
        if post.hands:
            self.write(Handed(at=at, key=post.hands, sure=sure))


def write_short_config(folder: Path, vtn_url: str) -> Path:
    """Write the gateway's configuration into a folder and return the file."""
    path = folder / "gateway.toml"
    programs = "".join(
        _PROGRAM.format(seconds=seconds, site=SITE)
        for seconds in sorted({opt_by.seconds for opt_by in OPT_BY.values()})
    )
    path.write_text(_CONFIG.format(url=vtn_url, site=SITE) + programs, encoding="utf-8")
    return path


_CONFIG: Final = """\
[gateway]
data_dir = "data"
test_mode = true

[southbound]
port = 0

[[site]]
id = "{site}"
timezone = "UTC"
contracted_import_kw = 120
ramp_down_kw_per_min = 600
ramp_up_kw_per_min = 360
contract_meter = "it_load"
simulated = true

[[site.meter]]
id = "it_load"
interval = "PT5M"
max_kw = 200

[[utility]]
name = "azp"
protocol = "oadr20b"
url = "{url}"
ven_name = "short"
"""
_PROGRAM: Final = """
[[program]]
utility = "azp"
name = "http://utility.example/{seconds}"
sites = ["{site}"]
opt_by = "PT{seconds}S"
price_per_kwh = 1
penalty_per_kwh = 2
"""
