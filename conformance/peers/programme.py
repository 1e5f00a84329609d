"""What a utility does of its own accord, and when; safe to run again over a memory that already holds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conformance.peers.event_spec import EventSpec
from conformance.peers.vtn2b import UtilityPeer
from gateway.domain.errors import MisuseError
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.vtn_records import EventRecord, WantRecord


class Deed(Protocol):
    """Something that a utility does."""

    @property
    def what(self) -> str:
        """Name it and its subject, for whoever reads along."""
        ...

    async def do(self, utility: UtilityPeer) -> None:
        """Do it, unless it was done in an earlier life.

        Raises:
            MisuseError: it cannot be done any more.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Announce an event."""

    event: EventSpec

    @property
    def what(self) -> str:
        """Name the deed."""
        return f"publish {self.event.event_id}"

    async def do(self, utility: UtilityPeer) -> None:
        """Do it, unless the event is known."""
        if _known(utility, self.event.event_id) is None:
            await utility.publish(self.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Modify:
    """Replace an event by its next version."""

    event: EventSpec
    version: int
    """modificationNumber that it gets."""

    @property
    def what(self) -> str:
        """Name the deed."""
        return f"modify {self.event.event_id} to version {self.version}"

    async def do(self, utility: UtilityPeer) -> None:
        """Do it, unless the event has this version already."""
        known = _known(utility, self.event.event_id)
        if known is None or known.version < self.version:
            await utility.modify(self.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Cancel an event."""

    event_id: str

    @property
    def what(self) -> str:
        """Name the deed."""
        return f"cancel {self.event_id}"

    async def do(self, utility: UtilityPeer) -> None:
        """Do it, unless the event is cancelled already."""
        known = _known(utility, self.event_id)
        if known is None or known.cancelled_at is None:
            await utility.cancel(self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForReport:
    """Ask for reports."""

    wish: WantRecord

    @property
    def what(self) -> str:
        """Name the deed."""
        return f"ask for report {self.wish.want_id}"

    async def do(self, utility: UtilityPeer) -> None:
        """Do it, unless they are wanted already."""
        if not _wanted(utility, self.wish.want_id):
            await utility.request_report(self.wish)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReport:
    """Ask for no more reports."""

    want_id: str
    to_follow: bool = False

    @property
    def what(self) -> str:
        """Name the deed."""
        return f"cancel report {self.want_id}"

    async def do(self, utility: UtilityPeer) -> None:
        """Do it, unless they are not wanted any more."""
        if _wanted(utility, self.want_id):
            await utility.cancel_report(self.want_id, to_follow=self.to_follow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A deed and its instant."""

    at: datetime
    deed: Deed


Failed = Callable[[Planned, MisuseError], None]


async def run_programme(
    utility: UtilityPeer, plan: Sequence[Planned], clock: Clock, failed: Failed
) -> None:
    """Do everything in time; of deeds at one instant the order given counts. Holds a token of its own.

    Args:
        utility: Who does it; started.
        plan: What and when; instants in the past are caught up at once.
        clock: The utility's own.
        failed: Told of a deed that could not be done; the others go on.
    """
    with clock.held():
        for planned in sorted(plan, key=lambda one: one.at):
            await clock.sleep_until(planned.at)
            try:
                await planned.deed.do(utility)
            except MisuseError as error:
                failed(planned, error)


def _known(utility: UtilityPeer, event_id: str) -> EventRecord | None:
    return utility.page().find(EventRecord, "", (event_id,))


def _wanted(utility: UtilityPeer, want_id: str) -> bool:
    return utility.page().find(WantRecord, "", (want_id,)) is not None
