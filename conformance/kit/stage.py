"""What a script may do, as protocols; the runner brings what meets them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from conformance.kit.oadr20b.event import Event
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.replies import Reply, edits, raw, says, status, struck
from conformance.kit.transcript import Message, Transcript
from conformance.kit.utility import Utility
from conformance.kit.xml import Element

T = TypeVar("T")

Condition = Callable[[Transcript], T | None]
"""Looks at what was recorded so far; None or False: not yet."""


class UnobservedError(Exception):
    """What a script waited for did not come; the judge decides whose fault that is."""


class Driver(Protocol):
    """How the device is made to do what no message can; a missing method ends the case INCONCLUSIVE(driver)."""

    async def start(self) -> None:
        """Start the device."""
        ...

    async def stop(self) -> None:
        """Stop it in an orderly way."""
        ...

    async def kill(self) -> None:
        """End it as a power cut would."""
        ...

    async def reset(self) -> None:
        """Make it forget registration, events and reports."""
        ...

    async def opt_out(self, event_id: str) -> None:
        """Have it leave an event that it has accepted."""
        ...

    async def opt_in(self, event_id: str) -> None:
        """Have it join an event again."""
        ...

    async def set_load(self, kw: str) -> None:
        """Have its load, or what its meter shows, be so many kilowatts."""
        ...

    async def state(self) -> Mapping[str, str]:
        """Return what can be seen of its state: ``event.<id>`` = value in force, for each event acted on now."""
        ...

    async def call(self, method: str, **values: str) -> Mapping[str, str]:
        """Have any other method of the driver done, e.g. ``create_opt``, ``request_vtn_report``, ``reregister``."""
        ...


class Stage(Protocol):
    """Where a script plays."""

    @property
    def now(self) -> datetime:
        """Return the suite's time; aware UTC."""
        ...

    @property
    def mode(self) -> str:
        """Return ``pull`` or ``push``."""
        ...

    @property
    def transcript(self) -> Transcript:
        """Return what was recorded so far in this case."""
        ...

    @property
    def driver(self) -> Driver:
        """Return the way to the device."""
        ...

    def mark(self, name: str, **values: object) -> None:
        """Write something into the history, for the checks: they see nothing else of the script."""
        ...

    def value(self, name: str) -> str:
        """Return an IXIT value, e.g. ``market_context``; INCONCLUSIVE(precondition) without one."""
        ...

    def chance(self, low: int, high: int) -> int:
        """Draw a number, the same in every run of a seed."""
        ...

    async def sleep(self, length: timedelta) -> None:
        """Let time pass."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Let time pass until an instant."""
        ...

    async def until(self, condition: Condition[T], within: timedelta, what: str) -> T:
        """Wait until a condition holds of what was recorded.

        Args:
            condition: See ``kit.oadr20b.conditions`` for the usual ones.
            within: Longest wait.
            what: For people, after "waiting for the device to": ``answer event e1``.

        Raises:
            UnobservedError: it did not come; let it end the script.
        """
        ...

    async def maybe(self, condition: Condition[T], within: timedelta, what: str) -> T | None:
        """Wait likewise, but go on with None when it did not come."""
        ...


class VenStage(Stage, Protocol):
    """Where a VEN is judged: the suite plays the utility."""

    @property
    def utility(self) -> Utility:
        """Return the scripted VTN."""
        ...

    @property
    def second(self) -> Utility:
        """Return the other VTN, in a case with the fact ``second_vtn=yes``."""
        ...


class Ven(Protocol):
    """The suite's VEN, one identity: sends exactly what it is told, and keeps the ids that it was given."""

    ven_id: str
    registration_id: str
    vtn_id: str
    opt: str
    """What it answers to events by itself: ``optIn``, ``optOut``; empty: nothing."""
    event_code: str
    """responseCode of these answers."""

    @property
    def address(self) -> str | None:
        """Return where it listens in push mode; None in pull mode."""
        ...

    def request_id(self) -> str:
        """Return a fresh requestID."""
        ...

    async def send(self, element: Element, *, wrong: str = "") -> Message:
        """Post a message to the path of its service and return the answer.

        Raises:
            UnobservedError: none came.
        """
        ...

    async def send_raw(
        self,
        body: bytes,
        *,
        service: str,
        wrong: str,
        headers: tuple[tuple[str, str], ...] = (),
        method: str = "POST",
    ) -> Message:
        """Send exactly these bytes."""
        ...

    def answer_next(self, *replies: Reply) -> None:
        """Answer the next messages that are pushed so, one reply each (``status``, ``raw``, ``says``, ``struck``)."""
        ...

    def request_with_registered(self, *requests: ReportRequest) -> None:
        """Ask for reports inside the next oadrRegisteredReport."""
        ...

    def cancel_in_update(self, *request_ids: str) -> None:
        """Put an oadrCancelReport into the next oadrUpdatedReport."""
        ...

    async def down(self) -> None:
        """Close the port of a push VEN and every connection to it."""
        ...

    async def up(self) -> None:
        """Listen again, on the same port."""
        ...

    async def register(self) -> Message:
        """Query nothing, create a registration, register reports, request events; the usual bootstrap."""
        ...

    async def poll(self) -> Message:
        """Send one oadrPoll and return the answer."""
        ...

    async def drain(self) -> list[Message]:
        """Poll until the queue is empty, answer each message as a good VEN does, return what came."""
        ...

    async def answer(self, message: Message) -> None:
        """Answer what the VTN said as a good VEN does, by a message of its own."""
        ...

    def keep_polling(self, every: timedelta) -> None:
        """Poll in the background from now on, answering as a good VEN does (pull)."""
        ...


class VtnStage(Stage, Protocol):
    """Where a VTN is judged: the suite plays VENs, the driver makes the VTN's operator act."""

    @property
    def ven(self) -> Ven:
        """Return the first scripted VEN."""
        ...

    async def another_ven(self, name: str) -> Ven:
        """Return one more VEN, with a certificate and a name of its own."""
        ...

    async def publish(self, event: Event) -> None:
        """Have the VTN's operator create an event (driver method ``create_event``)."""
        ...

    async def takes(self, event: Event) -> bool:
        """Have an event created that the VTN may refuse; say whether it took it."""
        ...

    async def modify(self, event: Event) -> None:
        """Have it changed (``modify_event``); the VTN counts the version itself."""
        ...

    async def cancel(self, event_id: str) -> None:
        """Have it cancelled (``cancel_event``)."""
        ...

    async def request_report(self, request: ReportRequest) -> None:
        """Have a report requested of the VEN (``request_report``)."""
        ...

    async def request_with_registration(self, request: ReportRequest) -> None:
        """Have a report requested inside the next oadrRegisteredReport (``request_with_registration``)."""
        ...

    async def cancel_report(self, request_id: str, *, to_follow: bool = False) -> None:
        """Have a report cancelled (``cancel_report``)."""
        ...

    async def cancel_registration(self) -> None:
        """Have the VEN's registration cancelled (``cancel_registration``)."""
        ...

    async def request_reregistration(self) -> None:
        """Have the VEN asked to register again (``request_reregistration``)."""
        ...


Hold = Callable[[], Awaitable[None]]

__all__ = [
    "Condition",
    "Driver",
    "Hold",
    "Reply",
    "Stage",
    "UnobservedError",
    "Utility",
    "Ven",
    "VenStage",
    "VtnStage",
    "edits",
    "raw",
    "says",
    "status",
    "struck",
]
