"""``gridgate run``: one gateway until it is told to stop."""

import asyncio
import contextlib
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.app.bootstrap import Gateway, Wiring
from gateway.cli.ending import Exit
from gateway.client.clock import ScaledClock, SystemClock
from gateway.config.load import load
from gateway.domain.errors import ConfigError
from gateway.domain.timespan import instant
from gateway.observability.logs import set_up
from gateway.southbound.parts import Pace
from gateway.transport.heap import set_apart, settle_heap

log = structlog.get_logger()

Timeline = tuple[str, float, float]
"""(origin, Unix seconds at which it passed, factor); an empty origin is the wall's time."""


def run(config: Path, clock: Timeline) -> int:
    """Run a gateway; Ctrl-C or SIGTERM once ends it in good order, twice at once."""
    settle_heap()
    loaded = load(config, open_files=True)
    wiring = _wiring(clock)
    test_mode = loaded.settings.gateway.test_mode
    set_up(wiring.clock.now, as_json=not sys.stderr.isatty(), test_mode=test_mode)
    return asyncio.run(_serve(Gateway(loaded, wiring)))


def _wiring(timeline: Timeline) -> Wiring:
    origin, started, factor = timeline
    if not origin:
        return Wiring(clock=SystemClock())
    clock = ScaledClock(instant(origin), datetime.fromtimestamp(started, tz=UTC), factor)
    # Pings and checks of open streams keep a decent distance in real time, however fast the timeline runs.
    pace = Pace(
        ping_s=max(15.0, 2 * factor),
        recheck_s=max(4.0, 2 * factor),
        write_s=max(10.0, 5 * factor),
        per_s=1e6,
        burst=1_000_000,
    )
    return Wiring(clock=clock, pace=pace)


async def _serve(gateway: Gateway) -> int:
    loop = asyncio.get_running_loop()
    life = asyncio.create_task(_life(gateway), name="gateway")
    # Before anything is opened: a signal while it starts ends it in good order too.
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, _stop, life, name)
    loop.add_signal_handler(signal.SIGHUP, gateway.look_again)
    with contextlib.suppress(asyncio.CancelledError):
        await life
        return Exit.OK
    return Exit.INTERRUPTED


async def _life(gateway: Gateway) -> None:
    try:
        await _start(gateway)
        set_apart()
        await gateway.run()
    finally:
        await gateway.stop()


async def _start(gateway: Gateway) -> None:
    try:
        await gateway.start()
    except OSError as error:
        fix = "is another gateway running? else change host or port in [southbound]"
        raise ConfigError(
            (f"cannot listen: {error.strerror or error}; {fix}",), "CANNOT_LISTEN"
        ) from None


def _stop(life: "asyncio.Task[None]", name: signal.Signals) -> None:
    log.info("stopping", signal=name.name)
    if life.cancelling():
        sys.exit(Exit.INTERRUPTED)
    life.cancel()
