"""A gateway in a process of its own that may run beside another one on a copy of its store.

    python -m tests.clone_child CONFIG

Prints its address once it listens; ends as ``gridgate run`` does.
"""

import asyncio
import sys
from pathlib import Path

from gateway.app.bootstrap import Gateway, Wiring
from gateway.cli.ending import ended
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.observability.logs import set_up


async def live(gateway: Gateway) -> None:
    try:
        await gateway.start()
        sys.stdout.write(f"{gateway.url}\n")
        sys.stdout.flush()
        await gateway.run()
    finally:
        await gateway.stop()


def serve(config: Path) -> int:
    clock = SystemClock()
    set_up(clock.now, as_json=True)
    asyncio.run(live(Gateway(load(config), Wiring(clock=clock, alone_on_host=False))))
    return 0


if __name__ == "__main__":
    sys.exit(ended(serve, {"config": Path(sys.argv[1])}))
