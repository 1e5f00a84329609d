"""What is to be asked when: polls that come again, and what failed and is tried again after growing pauses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

Act = Callable[[], Awaitable[int | None]]


@dataclass
class Job:
    """One of them."""

    at: datetime | None
    """None: it is over."""
    act: Act
    failures: int = 0


class Jobs:
    """All of them, by name.

    Args:
        longest: Pause between two tries, seconds.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._all: dict[str, Job] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def add(self, name: str, at: datetime, act: Act) -> None:
        """Have something done at an instant; replaces what was planned under the name."""
        self._all[name] = Job(at=at, act=act)

    def hurry(self, name: str, at: datetime) -> None:
        """Have a known job done sooner."""
        job = self._all.get(name)
        if job is not None and not job.failures and (job.at is None or job.at > at):
            job.at = at

    def drop(self, word: str) -> None:
        """Forget every job whose name ends so."""
        for name in [name for name in self._all if name.endswith(word)]:
            del self._all[name]

    def is_failing(self, name: str) -> bool:
        """Say whether the last try of a job failed."""
        job = self._all.get(name)
        return job is not None and bool(job.failures)

    def names(self) -> list[str]:
        """Return the names of all jobs, the oldest first."""
        return list(self._all)

    def due(self, now: datetime) -> str | None:
        """Return the job that waits longest, of those that are due."""
        found = [(job.at, name) for name, job in self._all.items() if job.at and job.at <= now]
        return min(found, key=lambda row: row[0], default=(now, None))[1]

    def next_due(self) -> datetime | None:
        """Return when the next one is due."""
        return min((job.at for job in self._all.values() if job.at), default=None)

    def act(self, name: str) -> Act:
        """Return what is to be done."""
        return self._all[name].act

    def done(self, name: str, began: datetime, seconds: int | None) -> None:
        """Plan it again, counted from when it began."""
        job = self._all.get(name)
        if job is not None and job.at is not None and job.at <= began:
            job.at = None if seconds is None else began + timedelta(seconds=max(seconds, 1))
            job.failures = 0

    def failed(self, name: str, began: datetime, pause: timedelta | None) -> None:
        """Plan it again after 1, 2, 4 … seconds, or after what the server asks for, if that is longer."""
        job = self._all.get(name)
        if job is not None:
            job.failures += 1
            own = timedelta(seconds=min(2 ** (job.failures - 1), self._longest))
            job.at = began + max(own, pause or own)
