"""Programs of the project in processes of their own, forked from one that has imported nearly everything already.

Such a process costs a tenth of one that starts from nothing. It has arguments, output, exit code and signals as any
other; what it does not have is a command line and a start of its own, so who tests those starts a real one.
"""

import os
import runpy
import sys
import tempfile
from functools import cache
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LOADED: Final = (
    "gateway.app.bootstrap",
    "gateway.cli.main",
    "gateway.cli.run",
    "tests.cli_world",
    "tests.store_samples",
)
"""What the programs import."""


def ran(module: str, *words: str, timeout: float = 60) -> "CompletedProcess[str]":
    """Run a module as a program, with the root of the project as its folder, to its end.

    Args:
        module: As after ``python -m``.
        words: Its arguments.
        timeout: Seconds after which it is killed.

    Raises:
        TimeoutExpired: it took longer.
    """
    with tempfile.TemporaryDirectory(prefix="gridgate-forked-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _server().Process(target=_run, args=(module, words, str(out), str(err)))
        process.start()
        try:
            process.join(timeout)
            late = process.exitcode is None
            if late:
                process.kill()
                process.join()
            code = process.exitcode or 0
        finally:
            process.close()
        said = [path.read_text() if path.exists() else "" for path in (out, err)]
    if late:
        raise TimeoutExpired([module, *words], timeout, *said)
    return CompletedProcess([module, *words], code, *said)


@cache
def _server() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    return context


def _run(module: str, words: tuple[str, ...], out: str, err: str) -> None:
    os.chdir(ROOT)
    for number, path in ((1, out), (2, err)):
        sys.stdout.flush()
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except Exception:  # noqa: BLE001 - as the interpreter does with what nobody caught
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
