"""What a script had the server's operator do, read back from the driver's marks: controls, cancellations, defaults."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.orders import content, read, read_all
from conformance.kit.sep2.values import Content, Control, Program
from conformance.kit.transcript import Mark, Transcript

_ASKED: Final = "driver.asked"
DRIFT: Final = timedelta(seconds=5)
"""By which the clocks of suite and server may differ (public procedures of CSIP-AUS)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """One control as the operator was told of it."""

    control: Control
    program: str
    at: datetime
    number: int
    """Place of the mark in the history."""
    cancelled_at: datetime | None = None
    randomly: bool = False

    @property
    def begins(self) -> datetime:
        """Return when it is in force first, as nobody may begin earlier without randomisation."""
        return max(self.control.start, self.at)

    @property
    def latest_end(self) -> datetime:
        """Return when the last client has ended it, randomisation included."""
        random = (self.control.random_start or 0, self.control.random_lasts or 0)
        return self.control.end + timedelta(seconds=sum(max(0, one) for one in random))


def orders(transcript: Transcript, *methods: str) -> Iterator[Mark]:
    """Yield what the operator was asked to do by one of these methods, oldest first."""
    for mark in transcript.all_marks(_ASKED):
        if mark.values["method"] in methods:
            yield mark


def offered(transcript: Transcript, control: str) -> Offered | None:
    """Return a control of the script; None before it was published."""
    return next((one for one in all_offered(transcript) if one.control.id == control), None)


def all_offered(transcript: Transcript, program: str = "") -> list[Offered]:
    """Return every control of the script, in the order in which they were published."""
    ended = {mark.values["control_id"]: mark for mark in orders(transcript, "cancel")}
    found: dict[str, Offered] = {}
    for mark in orders(transcript, "publish"):
        for one in read_all(Control, mark.values["controls"]):
            if program in ("", mark.values["program_id"]):
                found.setdefault(one.id, _offered(one, mark, ended.get(one.id)))
    return list(found.values())


def _offered(control: Control, mark: Mark, ended: Mark | None) -> Offered:
    return Offered(
        control=control,
        program=mark.values["program_id"],
        at=mark.at,
        number=mark.number,
        cancelled_at=ended.at if ended else None,
        randomly=ended is not None and ended.values["randomly"] == "yes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A default as the operator was told of it."""

    program: str
    base: Content | None
    """DERControlBase; None: the program has none."""
    settings: Content
    at: datetime
    number: int


def defaults(transcript: Transcript, program: str) -> list[Default]:
    """Return the defaults that a program was given, oldest first."""
    return [
        Default(program=program, base=base, settings=settings, at=mark.at, number=mark.number)
        for mark in orders(transcript, "put_program", "put_default")
        for name, base, settings in [_default(mark)]
        if name == program
    ]


def _default(mark: Mark) -> tuple[str, Content | None, Content]:
    if mark.values["method"] == "put_program":
        made = read(Program, mark.values["program"])
        return made.id, made.default, made.default_settings
    settings = content(mark.values["settings"]) or {}
    return mark.values["program_id"], content(mark.values["default"]), settings
