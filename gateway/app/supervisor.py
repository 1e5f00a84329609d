"""Keeps long tasks going: a task that fails by a bug, or by a busy store, is started anew; a broken store stops all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from gateway.domain.errors import ConfigError, StoreError
from gateway.domain.ports import Clock

PAUSE: Final = timedelta(seconds=5)
"""Between a crash and the next start of the same task."""

log = structlog.get_logger()


async def keep(name: str, start: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run a task until it returns; after a crash run it again.

    Args:
        name: For the log.
        start: Makes the task from what is stored; called anew after each crash.
        clock: Time.

    Raises:
        StoreError: the store cannot be trusted any more; everything must stop.
        ConfigError: it cannot start at all.
    """
    while True:
        try:
            await start()
        except (ConfigError, asyncio.CancelledError):
            raise
        except StoreError as error:
            if not error.passing:
                raise
            log.error("task_waits", task=name, reason=error.reason, detail=error.detail)
        except Exception:
            # a bug in one session must not stop the others; it is logged and the state is re-read
            log.exception("task_crashed", task=name)
        else:
            return
        with clock.held():
            await clock.sleep_until(clock.now() + PAUSE)
