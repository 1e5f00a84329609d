"""A gateway as a process of its own, which ends itself without farewell at a named point.

    python -m conformance.story.child CONFIG TOKEN POINT MUTANT

Point and mutant may be empty. It says its address in one line and serves until it is killed, or until nobody holds the
other end of its stdin any more.
"""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Final

from conformance.mutants.registry import MUTANTS, RIGHT
from conformance.story.short import SITE
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SeededIds
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.observability.logs import set_up
from gateway.southbound.tokens import create_token

THEN: Final = ">"
"""Between two points: the second one counts only once the first one was passed."""


def end_at_once() -> None:
    """Kill this process: nothing is flushed, closed or told."""
    os.kill(os.getpid(), signal.SIGKILL)


class Killer:
    """Ends the process when it passes a point.

    Args:
        point: Where; two of them with ``THEN``: at the second one, after the first one; empty: nowhere.
    """

    def __init__(self, point: str) -> None:
        self._left = point.split(THEN)

    def __call__(self, point: str) -> None:
        """Look whether this is the one."""
        if point != self._left[0]:
            return
        del self._left[0]
        if not self._left:
            end_at_once()


async def _serve(gateway: Gateway, token: str) -> None:
    asyncio.get_running_loop().add_reader(sys.stdin, end_at_once)
    await gateway.start()
    with contextlib.suppress(SessionError):  # a life before this one has made it
        await create_token(
            gateway.office.store,
            SeededIds(1, token),
            name="site",
            site=SiteId(SITE),
            now=gateway.office.clock.now(),
        )
    sys.stdout.write(f"{gateway.url}\n")
    sys.stdout.flush()
    await gateway.run()


def main() -> None:
    """Run the process's own command line."""
    config, token, point, mutant = sys.argv[1:]
    clock = SystemClock()
    set_up(clock.now, as_json=False, level="error")
    make = MUTANTS[mutant].make if mutant else RIGHT
    wiring = Wiring(clock=clock, alone_on_host=False, watch=Killer(point))
    asyncio.run(_serve(make(load(Path(config)), wiring), token))


if __name__ == "__main__":
    main()
