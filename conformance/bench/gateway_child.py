"""Child program: one gateway under a probe, as a user's would run, asked over its standard input.

Prints one JSON line when it listens, and one per line that it reads: what the probe felt since the last.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from conformance.bench.probe import LoopProbe
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SystemIds
from gateway.client.clock import ScaledClock
from gateway.config.load import load
from gateway.domain.names import SiteId
from gateway.observability.logs import set_up
from gateway.southbound.tokens import create_token
from gateway.transport.heap import set_apart, settle_heap


async def serve(config: Path, clock: ScaledClock) -> None:
    """Run until standard input ends."""
    loaded = load(config)
    gateway = Gateway(loaded, Wiring(clock=clock))
    await gateway.start()
    set_apart()
    site = SiteId(loaded.settings.site[0].id)
    token = await create_token(
        gateway.office.store, SystemIds(), name="bench", site=site, now=clock.now()
    )
    running = asyncio.create_task(gateway.run(), name="gateway")
    probe = LoopProbe()
    _say({"url": gateway.url, "token": token, "site": site})
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while await reader.readline():
        _say(asdict(probe.look()))
    running.cancel()
    await asyncio.wait({running})
    await gateway.stop()


def _say(found: dict[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(found)}\n")
    sys.stdout.flush()


def main() -> None:
    """Run with: configuration, instant of the timeline, Unix second at which it passed, factor."""
    config, origin, started, factor = sys.argv[1:]
    settle_heap()
    clock = ScaledClock(
        datetime.fromisoformat(origin),
        datetime.fromisoformat(started),
        float(factor),
    )
    set_up(clock.now, as_json=True, test_mode=True)
    asyncio.run(serve(Path(config), clock))


if __name__ == "__main__":
    main()
