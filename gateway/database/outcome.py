"""What became of a job: its value, or whatever it raised, carried to the one who waits for it."""

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Outcome(Generic[T]):
    """Runs a function and keeps its result or its error.

    Jobs of many callers run on one thread, in one transaction. What one of them raises, of whatever class, belongs to
    its own caller and to nobody else; it is carried there, not handled here.
    """

    __slots__ = ("error", "value")

    def __init__(self) -> None:
        self.value: T | None = None
        self.error: BaseException | None = None

    def of(self, run: Callable[[], T]) -> Self:
        """Run and keep."""
        with self:
            self.value = run()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        # A future refuses to carry StopIteration, which a generator would take for its own end.
        self.error = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        return True
