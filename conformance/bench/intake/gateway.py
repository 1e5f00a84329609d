"""Child process of the intake bench: a gateway; prints one line of JSON once it listens."""

import asyncio
import json
import sys
from pathlib import Path

from conformance.bench.intake.place import UTILITIES, site
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SystemIds
from gateway.client.clock import SystemClock
from gateway.config.load import load
from gateway.domain.names import SiteId
from gateway.observability.logs import set_up
from gateway.southbound.parts import Pace
from gateway.southbound.tokens import create_token
from gateway.transport.heap import set_apart, settle_heap


async def serve(config: Path) -> None:
    """Run until killed; logs below errors are off, as they would be measured too."""
    clock = SystemClock()
    set_up(clock.now, as_json=True, level="error", test_mode=True)
    gateway = Gateway(load(config), Wiring(clock=clock, pace=Pace(per_s=1e6, burst=1_000_000)))
    await gateway.start()
    try:
        tokens = [
            await create_token(
                gateway.office.store,
                SystemIds(),
                name=site(number),
                site=SiteId(site(number)),
                now=clock.now(),
            )
            for number in range(UTILITIES)
        ]
        sys.stdout.write(json.dumps({"url": gateway.url, "tokens": tokens}) + "\n")
        sys.stdout.flush()
        set_apart()
        await gateway.run()
    finally:
        await gateway.stop()


if __name__ == "__main__":
    settle_heap()
    asyncio.run(serve(Path(sys.argv[1])))
