"""py20305's client as a device that a test starts, drives and ends: a process of its own, in an environment of its own.

``make setup`` builds that environment from the pins beside this module, where there is a package index.
"""

import asyncio
import contextlib
import json
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from conformance.engine.drivers.entry import Pem
from conformance.engine.errors import SuiteError

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".venv-peers" / "py20305"
"""Its environment; complete once ``.installed`` stands in it."""
CHILD: Final = Path(__file__).with_name("py20305_client.py")
_ANSWER_S: Final = 60.0


def is_installed() -> bool:
    """Say whether there is a py20305 to run."""
    return (FOLDER / ".installed").exists()


class Py20305Device:
    """One client in one process.

    Args:
        process: Running.
    """

    def __init__(self, process: Process) -> None:
        self._process = process

    async def order(self, method: str) -> dict[str, Any]:
        """Have it do something and wait until it is done: ``connect``, ``poll``, ``run`` or ``tell``.

        Returns:
            What it tells; ``Any``: by the method.

        Raises:
            SuiteError: it cannot, or does not answer.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise SuiteError("the process has no pipes")
        self._process.stdin.write(json.dumps({"do": method}).encode() + b"\n")
        try:
            # A program of its own runs in real time.
            async with asyncio.timeout(_ANSWER_S):  # noqa: TID251 - see above
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise SuiteError(f"{method}: no answer in {_ANSWER_S:g} s") from None
        told: dict[str, Any] = json.loads(line) if line else {"why": "the process has ended"}
        if "done" not in told:
            raise SuiteError(f"{method}: {told['why']}")
        return told


@asynccontextmanager
async def device(
    url: str, lfdi: str, pem: Pem, *, pin: int = 0, post_rate: int = 2
) -> AsyncIterator[Py20305Device]:
    """Run a client.

    Args:
        url: Of the server, without a path.
        lfdi: Of the client's certificate.
        pem: Certificate, key, and the root that the server's chain must lead to.
        pin: That its Registration must tell; 0: it is not looked at.
        post_rate: Seconds between posts, where the server does not say another.

    Raises:
        SuiteError: py20305 is not installed.
    """
    if not is_installed():
        raise SuiteError("py20305 is not installed: make setup installs it where an index is")
    setting = {"url": url, "lfdi": lfdi, "pin": pin, "post_rate": post_rate}
    with tempfile.TemporaryDirectory(prefix="gridgate-py20305-") as text:
        folder = Path(text)
        (folder / "setting.json").write_text(json.dumps(setting))
        (folder / "cert.pem").write_bytes(pem.certificate)
        (folder / "key.pem").write_bytes(pem.key)
        (folder / "ca.pem").write_bytes(pem.ca)
        # Isolated: neither our folders nor our variables are its business.
        process = await asyncio.create_subprocess_exec(
            *(str(FOLDER / "bin" / "python"), "-I", str(CHILD), text),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
        )
        try:
            yield Py20305Device(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
