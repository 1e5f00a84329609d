"""A site that counts: it carries out every command that is new to it, and answers until it was heard.

It compares nothing but id and revision, so whatever the gateway doubles shows. Its memory outlives the gateway.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from conformance.soak.history import Acted, Handed, Mark, Opt, Said
from conformance.story.cast import Cast
from conformance.story.plot import (
    FORGETS_AT,
    METER,
    METERED_SINCE,
    SAMPLE,
    SITE,
    START,
)
from gateway.client.exchange import BackLaterError, Exchange
from gateway.client.problem import Refused
from gateway.client.stream import Block, Stream
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.ports import Clock
from gateway.domain.signed import document_digest
from gateway.domain.timespan import duration_text, instant_text

TICK: Final = timedelta(seconds=30)
"""Between looks at what there is to do."""
EVERY: Final = timedelta(minutes=10)
"""Of heartbeats and of looks at plan and list."""
DEADLINE_S: Final = 20.0
LOST: Final = 10**9
"""A place in the stream that never was."""
_KWH: Final = {True: "6.25", False: "8.333333333"}
"""Energy of one interval, inside the event and outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Something to be told to the gateway, from an instant on, until it was confirmed or refused."""

    at: datetime
    path: str
    body: Mapping[str, Any]
    word: tuple[str, int, Opt] | None = None
    """Event, version and answer, when this is the site's word."""
    hands: str = ""
    """Key of what is handed over to be kept."""


@dataclass
class Memory:
    """All that the site knows; survives the gateway, and may be copied."""

    cursor: int = 0
    known: dict[str, int] = field(default_factory=dict)
    """Intent -> highest revision carried out."""
    posts: list[Post] = field(default_factory=list)
    metered: datetime = METERED_SINCE
    """End of what was metered and put among the posts."""
    looked_at: datetime = START - EVERY
    forgot: bool = False

    def copy(self) -> "Memory":
        """Return a copy that lives on by itself."""
        return copy.deepcopy(self)


class CountingSite:
    """Plays one site.

    Args:
        exchange: Its way to the gateway.
        clock: Time.
        memory: What it knows.
        write: Takes its marks.
        cast: What its events are called, and what it says to each.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        memory: Memory,
        write: Callable[[Mark], None],
        cast: Cast,
    ) -> None:
        self._cast = cast
        self._exchange = exchange
        self._clock = clock
        self._memory = memory
        self._write = write

    # --- it listens

    async def listen(self) -> None:
        """Follow the stream for ever."""
        while True:
            try:
                await self._follow()
            except (BackLaterError, Refused):
                await self._clock.sleep_until(self._clock.now() + TICK)

    async def _follow(self) -> None:
        path = f"/stream?site={SITE}&after={self._memory.cursor}"
        answer = await self._exchange.open(path, deadline_s=DEADLINE_S)
        stream = Stream(answer, self._clock, 400.0)
        try:
            while True:
                self._take(await stream.next())
                if not self._memory.forgot and self._clock.now() >= FORGETS_AT:
                    self._memory.forgot, self._memory.cursor = True, LOST
                    return
        finally:
            stream.close()

    def _take(self, block: Block) -> None:
        if not block.event:
            return
        data = orjson.loads(block.data)["data"]
        if block.event == "intent":
            self._obey(data)
        elif block.event == "reset":
            for document in data["intents"]:
                self._obey(document)
        self._memory.cursor = block.sequence

    def _obey(self, document: Mapping[str, Any]) -> None:
        """Carry a command out if it is new; acknowledge it in any case."""
        intent = ComputeFlexIntent.model_validate(document)
        ack = {
            "revision": intent.revision,
            "sequence": intent.sequence,
            "receiver": SITE,
            "received_at": instant_text(self._clock.now()),
            "digest": document_digest(document),
        }
        self._post(f"/intents/{intent.id}/ack", ack)
        if intent.revision <= self._memory.known.get(intent.id, 0):
            return
        self._memory.known[intent.id] = intent.revision
        event, version = self._cast.names(intent.provenance.source_ids)
        self._write(
            Acted(
                at=self._clock.now(),
                site=SITE,
                event=event,
                version=version,
                command=f"{intent.id}/{intent.revision}",
                cancels=intent.cancelled_at is not None,
            )
        )
        if intent.cancelled_at is None:
            self._answer(intent, event, version)

    def _answer(self, intent: ComputeFlexIntent, event: str, version: int) -> None:
        path, now = f"/intents/{intent.id}", self._clock.now()
        revision: dict[str, Any] = {"revision": intent.revision}
        if event not in self._cast.words:
            body = {**revision, "reason": "infeasible"}
            self._post(f"{path}/rejection", body, word=(event, version, "out"))
            return
        for place, opt in enumerate(self._cast.words[event]):
            body = {**revision, "opt": opt}
            at = now + 2 * place * TICK
            self._post(f"{path}/commitment", body, at=at, word=(event, version, opt))
        if self._cast.words[event] == ("in",):
            self._follow_up(intent, path)

    def _follow_up(self, intent: ComputeFlexIntent, path: str) -> None:
        """Tell how it goes, and what came of it."""
        revision = {"revision": intent.revision}
        begins, lasts = intent.timing.start, intent.timing.duration or timedelta(0)
        power = {"measured_kw": "75", "target_kw": "75"}
        holding = {**revision, **power, "state": "holding", "at": instant_text(begins + TICK)}
        self._post(f"{path}/progress", holding, at=begins + 2 * TICK)
        done = {**revision, "delivered_kwh": "20", "recovered_at": None}
        self._post(f"{path}/completion", done, at=begins + lasts + 2 * TICK)

    # --- it tells

    async def tell(self) -> None:
        """Answer, meter, beat and look, for ever."""
        while True:
            now = self._clock.now()
            self._meter(now)
            try:
                if now >= self._memory.looked_at + EVERY:
                    await self._look()
                    self._memory.looked_at = now
                await self._send_due(now)
            except BackLaterError:
                pass  # the gateway is away; everything is still there at the next look
            await self._clock.sleep_until(now + TICK)

    async def _send_due(self, now: datetime) -> None:
        for post in [post for post in self._memory.posts if post.at <= now]:
            self._tell_of(post, sure=False)
            body = orjson.dumps(post.body)
            try:
                await self._exchange.ask("POST", post.path, body, deadline_s=DEADLINE_S)
            except Refused:
                self._memory.posts.remove(post)  # it will not change: too late, or overtaken
                continue
            self._tell_of(post, sure=True)
            self._memory.posts.remove(post)

    def _tell_of(self, post: Post, *, sure: bool) -> None:
        at = self._clock.now()
        if post.word is not None:
            event, version, opt = post.word
            said = Said(at=at, site=SITE, event=event, version=version, opt=opt, sure=sure)
            self._write(said)
        if post.hands:
            self._write(Handed(at=at, key=post.hands, sure=sure))

    async def _look(self) -> None:
        """Beat, fetch the plan, and look whether the list holds anything that the stream did not bring."""
        at = instant_text(self._clock.now())
        beat = {"at": at, "known": self._memory.known, "software": "story"}
        path = f"/sites/{SITE}"
        await self._exchange.ask(
            "POST", f"{path}/heartbeat", orjson.dumps(beat), deadline_s=DEADLINE_S
        )
        try:
            await self._exchange.ask("GET", f"{path}/plan", deadline_s=DEADLINE_S)
            listed = await self._exchange.ask("GET", "/intents?wait=1", deadline_s=DEADLINE_S)
        except Refused:
            return  # no plan yet
        for item in orjson.loads(listed.body)["items"]:
            if item["data"]["revision"] > self._memory.known.get(item["data"]["id"], 0):
                self._obey(item["data"])

    def _meter(self, now: datetime) -> None:
        """Put one batch for what was metered since the last one."""
        until = METERED_SINCE + (now - METERED_SINCE) // SAMPLE * SAMPLE
        if until <= self._memory.metered:
            return
        samples = []
        at = self._memory.metered
        while at < until:
            inside = START + timedelta(minutes=20) <= at < START + timedelta(minutes=36)
            samples.append(
                {
                    "meter": METER,
                    "start": instant_text(at),
                    "duration": duration_text(SAMPLE),
                    "energy_kwh": _KWH[inside],
                }
            )
            at += SAMPLE
        batch_id = f"b-{until:%H%M}"
        body = {"batch_id": batch_id, "samples": samples}
        self._post(f"/sites/{SITE}/telemetry", body, hands=f"batch {batch_id}")
        self._memory.metered = until

    def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        at: datetime | None = None,
        word: tuple[str, int, Opt] | None = None,
        hands: str = "",
    ) -> None:
        post = Post(at=at or self._clock.now(), path=path, body=body, word=word, hands=hands)
        self._memory.posts.append(post)
