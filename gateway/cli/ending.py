"""How a verb ends: an error as what, where, why and fix on stderr, and the exit code that goes with it."""

import errno
import sys
import traceback
from collections.abc import Callable, Mapping
from enum import IntEnum
from types import TracebackType
from typing import Any

import typer

from gateway.domain.codes.registry import by_reason, row_of
from gateway.domain.codes.row import Row
from gateway.domain.codes.shape import shape
from gateway.domain.errors import (
    ConfigError,
    Fault,
    FencedError,
    GatewayError,
    MisuseError,
    StoreError,
    TransportError,
)


class Exit(IntEnum):
    """Exit codes of ``gridgate``."""

    OK = 0
    PROBLEM = 1
    WRONG_USE = 2
    UNREACHABLE = 3
    INTERRUPTED = 4


def ended(verb: Callable[..., int], arguments: Mapping[str, Any], *, debug: bool = False) -> int:
    """Run a verb and return its exit code; never a traceback for an expected error, unless asked for."""
    try:
        return verb(**arguments)
    except ConfigError as error:
        _trace(error, wanted=debug)
        _say_faults(error)
        return Exit.WRONG_USE
    except GatewayError as error:
        _trace(error, wanted=debug)
        _say(shape(row_of(error), error.detail or row_of(error).title))
        if isinstance(error, FencedError):
            return Exit.PROBLEM  # another gateway goes on: starting again later would not help
        unreachable = isinstance(error, StoreError | TransportError)
        return Exit.UNREACHABLE if unreachable else Exit.PROBLEM
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # whoever read our output has left: typer ends quietly
        _trace(error, wanted=debug)
        where = f"{error.filename}: " if error.filename else ""
        _say(shape(_row("SYSTEM"), f"{where}{error.strerror or error}"))
        return Exit.PROBLEM


def _say_faults(error: ConfigError) -> None:
    for fault in error.faults:
        _say(shape(_row(fault.reason), fault.what, place=fault.place, key=fault.key))
    typer.echo(f"{len(error.faults)} fault(s); nothing was done", err=True)


def _row(reason: str) -> Row:
    return by_reason(reason, ConfigError) or row_of(ConfigError((Fault(reason, reason=reason),)))


def _say(lines: list[str]) -> None:
    typer.echo("\n".join(lines), err=True)


def _trace(error: BaseException, *, wanted: bool) -> None:
    if wanted:
        traceback.print_exception(error, file=sys.stderr)


def traced(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of a bug with everything; the exception hook that ``--debug`` sets, and by which it is known."""
    sys.__excepthook__(kind, error, trace)


def unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Tell of a bug without a traceback; an exception hook. Its text stays out: it may hold anything."""
    last = traceback.extract_tb(trace)[-1:]
    where = "".join(f" in {frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in last)
    what = f"{kind.__name__}{where}; run it again as `gridgate --debug …` and report what it prints"
    _say(shape(row_of(MisuseError("UNEXPECTED")), what))
