"""The short story over real sockets: the gateway in a process that kills itself, utility and site beside it.

The utility and the site live on; whatever happens is waited for, never slept over, and every wait has an end.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.peers.vtn2b import Told, UtilityPeer
from conformance.soak.history import (
    GATEWAY,
    Acted,
    Answered,
    Asked,
    Down,
    Fault,
    Found,
    Mark,
    Unsure,
    Up,
    Verdict,
    judge,
)
from conformance.story.short import (
    FOLLOW,
    LOOK,
    OPT_BY,
    TAKEN_BACK,
    ShortSite,
    event,
    ordered,
    write_short_config,
)
from conformance.story.utility import schema
from gateway.app.access import looking
from gateway.app.ids import SeededIds, SystemIds
from gateway.client.clock import SystemClock
from gateway.client.exchange import Exchange
from gateway.config.load import load
from gateway.domain.errors import GatewayError
from gateway.pipeline.ports import Work
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import OptType
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered as AnsweredFact
from gateway.protocols.oadr2b.vtn_facts import Delivered, Fact
from gateway.servers.vtn2b.app import HttpOptions
from gateway.settlement.records import logged

PATIENCE: Final = timedelta(seconds=5)
DEADLINE: Final = timedelta(seconds=90)
"""Of a whole run."""
QUIET: Final = timedelta(seconds=2)
"""Two polls: what comes twice comes in it."""
_NOTICE: Final = timedelta(seconds=90)
_LASTS: Final = timedelta(seconds=60)


class _InVainError(Exception):
    """What was waited for did not happen."""


@dataclass
class RealRun:
    """One run: the gateway dies at a point and is started again.

    Args:
        folder: Empty; for the configuration, the store and what the gateway says.
        point: Where it dies, as ``conformance.story.child`` takes it; empty: nowhere.
        mutant: Name of a wrong gateway; empty: the right one.
    """

    folder: Path
    point: str = ""
    mutant: str = ""
    history: list[Mark] = field(default_factory=list)
    deaths: list[int] = field(default_factory=list)
    """Return code of every gateway that ended by itself."""
    _up: bool = False

    async def play(self) -> tuple[Verdict, ...]:
        """Play it, and return what is wrong."""
        self._clock = SystemClock()
        self._until = self._clock.now() + DEADLINE
        self._site = ShortSite(self._clock, self.history.append)
        self._utility = self._make_utility()
        await self._utility.start()
        self._config = write_short_config(self.folder, self._utility.url)
        keeper = asyncio.create_task(self._keep_up())
        found: list[Verdict] = []
        try:
            await self._tell_the_story()
        except _InVainError as error:
            found.append(Verdict(fault=Fault.WRONG, key="the run", why=f"in vain: {error}"))
        finally:
            found += [_broke(error) for error in await _ended(keeper)]
            await self._utility.stop()
        try:
            self.history += await self._kept()
        except GatewayError as error:
            found.append(Verdict(fault=Fault.LOST, key="the store", why=repr(error)))
        expected = [-signal.SIGKILL] if self.point else []
        if self.deaths != expected:
            why = f"the gateway died {self.deaths}, not {expected}"
            found.append(Verdict(fault=Fault.WRONG, key=self.point or "the run", why=why))
        return (*judge(self.history, PATIENCE), *found)

    # --- the story

    async def _tell_the_story(self) -> None:
        utility = self._utility
        await self._fact("a registration", lambda: bool(utility.vens))
        self._site.beat()
        start = self._clock.now().replace(microsecond=0) + _NOTICE
        ends = start + _LASTS
        for name in OPT_BY:
            self.history.append(ordered(name, self._clock.now(), ends))
            await utility.publish(event(name, start, _LASTS))
        await self._fact("four commands", lambda: self._count(Acted, 0) == len(OPT_BY))
        await self._fact("four answers", lambda: self._count(Answered, 0) == len(OPT_BY))

        self.history.append(ordered(FOLLOW, self._clock.now(), ends + _LASTS, version=1))
        await utility.modify(event(FOLLOW, start, 2 * _LASTS))
        await self._fact("an answer to the change", lambda: self._count(Answered, 1) == 1)
        self.history.append(ordered(TAKEN_BACK, self._clock.now(), ends, version=1, cancels=True))
        await utility.cancel(TAKEN_BACK)
        await self._fact("change and cancellation", lambda: self._count(Acted, 1) == 2)
        await self._fact("two more answers", lambda: self._count(Answered, 1) == 2)

        self._site.meter()
        await self._fact("a confirmed batch", lambda: not self._site.posts)
        await self._fact("the kill", lambda: bool(self.deaths) or not self.point)
        await self._fact("a gateway", lambda: self._up)
        await self._clock.sleep_until(self._clock.now() + QUIET)
        await self._fact("the last word", lambda: not self._site.posts)

    def _count(self, kind: type[Acted | Answered], version: int) -> int:
        """Return for how many events something of a version was seen; a cancellation names the one it ends."""
        return len(
            {
                mark.event
                for mark in self.history
                if isinstance(mark, kind)
                and (mark.version >= version or (isinstance(mark, Acted) and mark.cancels))
            }
        )

    async def _fact(self, what: str, is_so: Callable[[], bool]) -> None:
        while not is_so():
            if self._clock.now() >= self._until:
                raise _InVainError(what)
            await self._clock.sleep_until(self._clock.now() + LOOK)

    # --- the gateway

    async def _keep_up(self) -> None:
        """Start the gateway, and start it again when it has died; it dies by itself once."""
        point = self.point
        while True:
            async with self._process(point) as process:
                assert process.stdout is not None  # noqa: S101 - asked for
                url = (await process.stdout.readline()).decode().strip()
                if url:
                    await self._live(url, process)
                code = await process.wait()
            now = self._clock.now()
            self.history += [Down(at=now, who=GATEWAY), Unsure(at=now)]
            self.deaths.append(code)
            self._up = False
            point = ""

    async def _live(self, url: str, process: asyncio.subprocess.Process) -> None:
        """Let the site speak with the gateway until the gateway is gone."""
        if self.deaths:
            self.history.append(Up(at=self._clock.now(), who=GATEWAY))
        self._up = True
        token = SeededIds(1, "token").token()
        exchange = Exchange(f"{url}/v1", lambda: token, self._clock, None, lambda: None)
        speaking = [
            asyncio.create_task(work(exchange)) for work in (self._site.listen, self._site.tell)
        ]
        try:
            await process.wait()
        finally:
            errors = await _ended(*speaking)
            await exchange.close()
            if errors:
                raise errors[0]  # the site broke, which says more than what was waited for

    @contextlib.asynccontextmanager
    async def _process(self, point: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start a gateway; it is killed at the end, if it did not do so itself."""
        arguments = ("-m", "conformance.story.child", str(self._config), "token", point)
        with (self.folder / "gateway.err").open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                self.mutant,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())

    async def _kept(self) -> list[Mark]:
        """Look what the last gateway has left."""
        at = self._clock.now()

        def look(work: Work) -> list[Mark]:
            found: list[Mark] = []
            for entry in work.log.entries(kinds=("telemetry",)):
                batch = logged(entry.index, entry.record).document["batch"]
                assert isinstance(batch, dict)  # noqa: S101 - the log's own form
                found.append(Found(at=at, key=f"batch {batch['batch_id']}"))
            return found

        async with looking(load(self._config)) as store:
            return await store.read(look)

    # --- the utility

    def _make_utility(self) -> UtilityPeer:
        return UtilityPeer(
            VtnOptions(vtn_id="VTN-SHORT", poll_every=timedelta(seconds=1)),
            clock=self._clock,
            ids=SystemIds(),
            codec=Codec(schema()),
            tls=None,
            http=HttpOptions(requests_per_s=0),
            watch=self._hear,
        )

    def _hear(self, told: Told[Fact]) -> None:
        fact = told.fact
        if isinstance(fact, AnsweredFact):
            self.history.append(
                Answered(
                    at=told.at,
                    event=fact.event_id,
                    version=fact.version,
                    opt="in" if fact.opt is OptType.OPT_IN else "out",
                    delivery=fact.request_id,
                )
            )
        elif isinstance(fact, Delivered):
            self.history.append(Asked(at=told.at))


def _broke(error: Exception) -> Verdict:
    return Verdict(fault=Fault.WRONG, key="the run", why=repr(error))


async def _ended(*tasks: asyncio.Task[None]) -> list[Exception]:
    """Cancel tasks, wait for their end, and return what broke any of them before."""
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [error for error in ended if isinstance(error, Exception)]
