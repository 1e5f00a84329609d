"""Runs what a verb has to wait for; anything that is logged meanwhile goes to stderr, never into the output."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from gateway.client.clock import SystemClock
from gateway.observability.logs import set_up

T = TypeVar("T")


def finish(work: Coroutine[None, None, T]) -> T:
    """Run a coroutine to its end in a loop of its own."""
    set_up(SystemClock().now, as_json=False, level="warning")
    return asyncio.run(work)
