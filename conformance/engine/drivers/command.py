"""Drives a device by programs: one argv per method, no shell; what they print as JSON is what was learnt."""

import asyncio
import json
from collections.abc import Mapping
from typing import Final

from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError

_MOST_OUTPUT: Final = 1 << 20


class CommandHands:
    """Runs programs.

    Args:
        commands: Method -> argv; ``{name}`` stands for a value.
        timeout_s: Longest run of one, real seconds.
        known: Values of the IXIT, which stand for themselves in every command; secrets belong there.
    """

    def __init__(
        self, commands: Mapping[str, tuple[str, ...]], timeout_s: float, known: Values | None = None
    ) -> None:
        self._commands = commands
        self._timeout_s = timeout_s
        self._known = known or {}

    def can(self, method: str) -> bool:
        """Say whether there is such a command."""
        return method in self._commands

    async def do(self, method: str, values: Values) -> Values:
        """Run it and read its output."""
        argv = [_filled(word, {**self._known, **values}) for word in self._commands[method]]
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            out, err = await self._ended(process)
        except (OSError, TimeoutError) as error:
            raise DriverMissingError(f"{method}: {argv[0]}: {type(error).__name__}") from None
        if process.returncode:
            text = err.decode(errors="replace").strip()[-200:]
            raise DriverMissingError(f"{method}: {argv[0]} ended with {process.returncode}: {text}")
        return learnt(out[:_MOST_OUTPUT])

    async def _ended(self, process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
        """Return what a program printed; one that takes too long is killed."""
        try:
            # Programs run in real time, on whatever clock the suite is.
            async with asyncio.timeout(self._timeout_s):  # noqa: TID251 - see above
                return await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise


def _filled(word: str, values: Values) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def learnt(out: bytes) -> Values:
    """Read a JSON object of texts; anything else is nothing."""
    try:
        found = json.loads(out)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
