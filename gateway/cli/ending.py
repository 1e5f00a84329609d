"""How a verb ends: errors as what, where, fix on stderr, and the exit code that goes with them."""

import errno
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

import typer

from gateway.domain.errors import ConfigError, GatewayError, StoreError, TransportError


class Exit(IntEnum):
    """Exit codes of ``gridgate``."""

    OK = 0
    PROBLEM = 1
    WRONG_USE = 2
    UNREACHABLE = 3
    INTERRUPTED = 4


def ended(verb: Callable[..., int], arguments: Mapping[str, Any]) -> int:
    """Run a verb and return its exit code; never a traceback for an expected error."""
    try:
        return verb(**arguments)
    except ConfigError as error:
        for fault in error.faults:
            typer.echo(f"error: {fault}", err=True)
        typer.echo(f"{len(error.faults)} fault(s); nothing was done", err=True)
        return Exit.WRONG_USE
    except (StoreError, TransportError) as error:
        typer.echo(f"error[{error.reason}]: {error.detail}", err=True)
        return Exit.UNREACHABLE
    except GatewayError as error:
        typer.echo(f"error[{error.reason}]: {error.detail}", err=True)
        return Exit.PROBLEM
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # whoever read our output has left: typer ends quietly
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error[SYSTEM]: {where}{error.strerror or error}", err=True)
        return Exit.PROBLEM
