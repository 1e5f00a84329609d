"""Two gateways on copies of one store: the older one must stop once a site has heard of the newer one."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from conformance.story.inline import open_inline
from conformance.story.plot import SITE, START
from conformance.story.utility import OADR20B
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.fencing import Fencing
from gateway.app.ids import SeededIds, seeded_key
from gateway.app.virtual import VirtualClock
from gateway.client.exchange import BackLaterError, Exchange
from gateway.client.fences import Fences
from gateway.client.problem import Refused
from gateway.config.load import Loaded, load
from gateway.domain.errors import GatewayError
from gateway.domain.names import SiteId
from gateway.domain.timespan import instant_text
from gateway.southbound.tokens import create_token

STOPS_WITHIN: Final = timedelta(seconds=30)
_DEADLINE_S: Final = 10.0


class _Deaf(Fencing):
    def heard(self, header: str) -> None:
        """Hear nothing."""
        del header


class NoFencing(Gateway):
    """A gateway that goes on whatever it is told of others."""

    async def start(self) -> None:
        """Start, and stop listening to what sites repeat."""
        await super().start()
        if self._fencing is not None:
            # The very object that every part holds, with one deaf ear.
            self._fencing.__class__ = _Deaf


async def both_go_on(folder: Path, make: Callable[[Loaded, Wiring], Gateway]) -> str:
    """Run a gateway and a copy of it, let a site talk to both, and say what is wrong; empty: the older one stops."""
    clock = VirtualClock(START)
    with clock.held():
        older = _gateway(folder / "older", clock, make)
        await older.start()
        token = await create_token(
            older.office.store, SeededIds(1, "token"), name="site", site=SiteId(SITE), now=START
        )
        newer = _gateway(folder / "newer", clock, make, copy_of=folder / "older")
        await newer.start()
        try:
            return await _talk(clock, older, newer, token)
        finally:
            await newer.stop()
            await older.stop()


def _gateway(
    folder: Path,
    clock: VirtualClock,
    make: Callable[[Loaded, Wiring], Gateway],
    copy_of: Path | None = None,
) -> Gateway:
    folder.mkdir(parents=True)
    if copy_of is not None:
        for path in copy_of.glob("story.db*"):
            (folder / path.name).write_bytes(path.read_bytes())
    wiring = Wiring(
        clock=clock,
        ids=SeededIds(1, folder.name),
        seed=seeded_key(1, "installation"),
        store_url=f"sqlite:///{folder / 'story.db'}",
        store=open_inline,
        alone_on_host=False,
    )
    # Nobody listens at the utility's address: what is looked at is the site's side.
    return make(load(OADR20B.configure(folder, "http://127.0.0.1:9/OpenADR2/Simple/2.0b")), wiring)


async def _talk(clock: VirtualClock, older: Gateway, newer: Gateway, token: str) -> str:
    fences = Fences()
    ways = [
        Exchange(f"{g.url}/v1", lambda: token, clock, None, lambda: None, fences)
        for g in (older, newer)
    ]
    running = asyncio.create_task(_ended(older), name="older")
    try:
        for way in reversed(ways):
            await _beat(way, clock)
        await clock.sleep_until(clock.now() + STOPS_WITHIN)
        if not running.done():
            return "the older gateway goes on"
        return "" if "FENCED" in running.result() else f"it ended: {running.result()}"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        for way in ways:
            await way.close()


async def _ended(gateway: Gateway) -> str:
    try:
        await gateway.run()
    except GatewayError as error:
        return error.reason
    return "without a word"


async def _beat(way: Exchange, clock: VirtualClock) -> None:
    body = f'{{"at":"{instant_text(clock.now())}","software":"story"}}'.encode()
    try:
        await way.ask("POST", f"/sites/{SITE}/heartbeat", body, deadline_s=_DEADLINE_S)
    except (BackLaterError, Refused):
        return  # refused, or passed over because the other one goes on
