"""``serve gateway``: the reference gateway, until it is told to stop."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from conformance.cli.ending import INTERRUPTED, Exit
from conformance.cli.lines import line
from conformance.reference.gateway import Options, ReferenceGateway
from gateway.client.clock import SystemClock
from gateway.observability.logs import set_up


def serve_gateway(options: Options) -> Exit:
    """Play a scene until interrupted; what happens goes to stdout as JSON lines, logs to stderr.

    Args:
        options: What to play; an empty ``folder`` means a temporary one.

    Returns:
        ``OK`` after SIGTERM, ``INTERRUPTED`` after SIGINT.

    Raises:
        ConfigError: the folder cannot be used.
        OSError: the address cannot be listened on.
    """
    clock = SystemClock()
    set_up(clock.now, as_json=not sys.stderr.isatty(), level="warning", test_mode=True)
    if options.folder != Path():
        return asyncio.run(_until_told(options, clock))
    with tempfile.TemporaryDirectory(prefix="gridgate-reference-") as folder:
        return asyncio.run(_until_told(replace(options, folder=Path(folder)), clock))


async def _until_told(options: Options, clock: SystemClock) -> Exit:
    loop, ended = asyncio.get_running_loop(), Exit.OK
    playing = asyncio.current_task()

    def leave(name: signal.Signals) -> None:
        nonlocal ended
        ended = INTERRUPTED if name is signal.SIGINT else Exit.OK
        if playing is not None:
            playing.cancel()

    def tell(what: str, fields: Mapping[str, object]) -> None:
        shown = {name: _text(value) for name, value in fields.items()}
        sys.stdout.write(line(clock.now(), what, shown) + "\n")
        sys.stdout.flush()

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, leave, name)
    try:
        await ReferenceGateway(options, clock, tell).run()
    except asyncio.CancelledError:
        return ended
    return ended


def _text(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
