"""What the event engine takes and returns; instants are whole seconds of the *server's* time (TimeType).

Plain numbers rather than instants of our own clock: a control of one server is never compared with another time.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.protocols.sep2.events.codes import RANDOMIZABLE, Code, FunctionSet

Key: TypeAlias = tuple[str, str]
"""(server, mRID): mRIDs of different servers never meet."""

EARLIEST: Final = 946_684_800
LATEST: Final = 7_258_118_400
"""Years 2000 and 2200, first second: what starts outside is invalid."""
_LONGEST: Final = 400 * 86_400
_HOUR: Final = 3600
_CREATED_AT_MOST: Final = LATEST
"""Either side of 1970: an instant, whatever it may mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A program's DefaultDERControl, as far as the engine cares."""

    mrid: str
    modes: frozenset[str]
    content: str = ""
    """Whatever changes when the default does, such as its version or a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A DERProgram, DemandResponseProgram, TariffProfile or MessagingProgram that is assigned to the device."""

    server: str
    mrid: str
    function_set: FunctionSet
    primacy: int
    """Lower wins."""
    default: Default | None = None

    @property
    def key(self) -> Key:
        """Return (server, mRID)."""
        return self.server, self.mrid


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One event as listed, with canonical mRIDs (32 upper-case hex digits)."""

    server: str
    mrid: str
    program: str
    """mRID of its program (for a price: its tariff profile)."""
    function_set: FunctionSet
    creation_time: int
    start: int
    duration: int
    """Seconds; start and duration as specified, before randomization."""
    status: int = 0
    """EventStatus.currentStatus, reserved numbers included."""
    randomize_start: int = 0
    randomize_duration: int = 0
    modes: frozenset[str] = frozenset()
    """DER: modes actually carried, as named by the standard (``opModImpLimW``); empty otherwise."""
    categories: int | None = None
    """deviceCategory; None: everyone is meant."""
    component: str = ""
    """Price: its RateComponent. Flow reservation: the request that it answers."""
    override_s: int = 0
    """DRLC overrideDuration: how long the user may override and still keep the contract."""
    required: int = 0
    """responseRequired bits."""
    has_reply_to: bool = False
    content: str = ""
    """Whatever changes when the values of the control do, such as a digest of them."""
    refusal: Code | None = None
    """The reader's own objection: 252 for a value that this site cannot follow, 253 for nonsense."""

    @property
    def key(self) -> Key:
        """Return (server, mRID)."""
        return self.server, self.mrid

    @property
    def program_key(self) -> Key:
        """Return (server, mRID) of the program."""
        return self.server, self.program

    @property
    def end(self) -> int:
        """Return the specified end, exclusive, before randomization."""
        return self.start + self.duration

    @property
    def randomization(self) -> tuple[int, int]:
        """Return randomizeStart and randomizeDuration; zero where the function set knows none."""
        if self.function_set in RANDOMIZABLE:
            return self.randomize_start, self.randomize_duration
        return 0, 0

    def essence(self) -> tuple[object, ...]:
        """Return what a server may not change under one mRID (2018 10.2.3.3 rule c)."""
        return (
            *(self.program, self.function_set, self.creation_time, self.start, self.duration),
            *(self.randomize_start, self.randomize_duration, self.modes, self.categories),
            *(self.component, self.override_s, self.content),
        )

    def timeless(self) -> bool:
        """Say whether its time is none that anybody means."""
        return not EARLIEST <= self.start < LATEST or not 0 <= self.duration <= _LONGEST

    def nonsense(self) -> bool:
        """Say whether no device could follow it."""
        numbers = (self.randomize_start, self.randomize_duration)
        return (
            self.timeless()
            or abs(self.creation_time) > _CREATED_AT_MOST
            or any(abs(number) > _HOUR for number in numbers)
            or (self.function_set is FunctionSet.DER and not (self.modes and self.duration))
            or (self.function_set is FunctionSet.DRLC and not self.duration)
        )


def claims(control: Control, device: int) -> frozenset[str]:
    """Return what an event takes for itself alone: two events exclude each other where these meet.

    Args:
        control: DER events claim their modes, DRLC events each device category that they share with the device,
            prices their rate component, flow reservations their request, messages nothing but themselves.
        device: deviceCategory bits of the device.

    Spec: IEEE 2030.5-2018 10.2.3.3 rules d and t.
    """
    match control.function_set:
        case FunctionSet.DER:
            return control.modes
        case FunctionSet.DRLC:
            shared = device if control.categories is None else control.categories & device
            bits = {f"category:{bit}" for bit in range(shared.bit_length()) if shared >> bit & 1}
            return frozenset(bits or {"category"})
        case FunctionSet.PRICING:
            return frozenset({f"rate:{control.component}"})
        case FunctionSet.FLOW:
            return frozenset({f"flow:{control.component}"})
        case FunctionSet.MESSAGING:
            return frozenset({f"text:{control.server}/{control.mrid}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """Tell the server; made exactly once per (event, code). Persist it together with the engine's document."""

    key: Key
    status: Code
    due: int
    """createdDateTime: when it came to be true, as seen by the engine."""
    modes: frozenset[str]
    """What the answer is about: modes received, started, ended, lost (2023 modesResponded)."""
    override_s: int = 0
    """DrResponse.overrideDuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that the operator should know; each word once per event."""

    word: str
    key: Key
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What followed from one input."""

    responses: tuple[Respond, ...] = ()
    """In the order in which they have to be sent."""
    findings: tuple[Finding, ...] = ()
    changed: bool = False
    """The engine's document differs from before: persist it before anything is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """What holds for one mode now."""

    mode: str
    source: Key
    """The event, or the program whose default it is."""
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A half-open stretch ``[start, end)`` in which an event has or will have one mode, as known now."""

    key: Key
    mode: str
    start: int
    end: int
