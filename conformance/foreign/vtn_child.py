"""A process ``gridgate-conformance serve …`` per case, forked from one that has read all its modules already."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from conformance.cli.main import run
from conformance.engine.errors import SuiteError
from gateway.client.clock import SystemClock

_NURSERY: Final = get_context("forkserver")
_NURSERY.set_forkserver_preload([__name__, "conformance.cli.serving", "conformance.cli.serve"])
_LOOK: Final = timedelta(milliseconds=20)
_PATIENCE: Final = timedelta(seconds=60)
TOLD: Final = "told.jsonl"
"""What the utility says on stdout, over all its starts."""
LOG: Final = "log.txt"


def _serve(arguments: Sequence[str], told: str, log: str) -> None:
    """Be the command: with its arguments, its stdout and its stderr."""
    for number, path in ((1, told), (2, log)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.exit(run(arguments))


class Child:
    """One utility in a process of its own, on the wall's clock.

    Args:
        folder: Of its files.
        arguments: Of the command, ``serve vtn2b …``.
    """

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        self._told = folder / TOLD
        self._log = folder / LOG
        self._before = self._told.stat().st_size if self._told.exists() else 0
        files = (str(self._told), str(self._log))
        self._process = _NURSERY.Process(
            target=_serve, args=(tuple(arguments), *files), daemon=True
        )

    async def listening(self) -> dict[str, Any]:
        """Start it and return what it tells once it listens.

        Raises:
            SuiteError: it does not.
        """
        self._process.start()
        clock = SystemClock()
        until = clock.now() + _PATIENCE
        while clock.now() < until:
            text = self._told.read_bytes()[self._before :] if self._told.exists() else b""
            line, ended, _ = text.partition(b"\n")
            if ended:
                found: dict[str, Any] = json.loads(line)
                return found
            if self._process.exitcode is not None:
                raise self.gone()
            await clock.sleep_until(clock.now() + _LOOK)
        raise SuiteError("the utility's process does not listen")

    async def ended(self) -> None:
        """Wait until it ends by itself.

        Raises:
            SuiteError: always: nobody told it to.
        """
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        raise self.gone()

    def gone(self) -> SuiteError:
        """Say how it ended."""
        said = self._log.read_text(errors="replace").strip()[-300:] if self._log.exists() else ""
        return SuiteError(f"the utility ended by itself with {self._process.exitcode}: {said}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process.pid is not None:
            self._process.kill()
            self._process.join()
