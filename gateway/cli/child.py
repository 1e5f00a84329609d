"""Runs a program of the suite as a child and passes on its output and exit code."""

import subprocess
import sys
from collections.abc import Sequence

from gateway.cli.ending import Exit


def child(module: str, arguments: Sequence[str]) -> int:
    """Run ``python -m module arguments``; the gateway itself never imports the suite."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own module, by name
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has interrupted the child too; it ends by itself.
            process.wait()
            return Exit.INTERRUPTED
