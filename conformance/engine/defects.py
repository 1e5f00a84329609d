"""The one place of the suite that catches everything: a case's or check's own defect is a verdict, not a crash."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def called(act: Callable[[], T]) -> tuple[T | None, str]:
    """Call something and return its result, or None and what went wrong."""
    try:
        return act(), ""
    except Exception as error:  # noqa: BLE001 - what a case's author got wrong can be anything; it becomes ERROR
        return None, f"{type(error).__name__}: {error}"


async def cleaned(act: Callable[[], Awaitable[object]]) -> str:
    """Do a piece of clearing up and return what went wrong; it must not keep the next piece from being done."""
    try:
        await act()
    except Exception as error:  # noqa: BLE001 - likewise; it is recorded and changes no verdict
        return f"{type(error).__name__}: {error}"
    return ""
