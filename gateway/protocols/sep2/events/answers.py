"""Which code says what has happened, and whether the server wants to hear it."""

from typing import Final

from gateway.protocols.sep2.events.codes import ALLOWED, DIRECT, Code, asked_for
from gateway.protocols.sep2.events.record import Record
from gateway.protocols.sep2.events.settings import Settings, Supersede
from gateway.protocols.sep2.events.table import Effect, State
from gateway.protocols.sep2.events.values import Control

_PLAIN: Final[dict[Effect, Code]] = {
    Effect.RECEIVED: Code.RECEIVED,
    Effect.STARTED: Code.STARTED,
    Effect.CANCELLED: Code.CANCELLED,
    Effect.RESUMED: Code.RESUMED,
    Effect.OUT: Code.OPTED_OUT,
    Effect.IN: Code.OPTED_IN,
    Effect.EXPIRED: Code.EXPIRED,
    Effect.ACKNOWLEDGED: Code.ACKNOWLEDGED,
    Effect.NOT_SHOWN: Code.NOT_SHOWN,
}
_DISPLACED: Final = frozenset({Code.OTHER_SERVER, Code.OTHER_PROGRAM})


def code_of(effect: Effect, record: Record, settings: Settings, winner: Control | None) -> Code:
    """Return the code of an effect.

    Args:
        effect: What has happened.
        record: The event as it was just before.
        settings: The utility's reading.
        winner: The event that displaced it; None: the server said so, or nobody did.
    """
    match effect:
        case Effect.REFUSED:
            refusal = record.control.refusal
            return Code.INVALID if refusal is None else _of_edition(refusal, settings)
        case Effect.FINISHED:
            return _finished(record)
        case Effect.SUPERSEDED:
            return _superseded(record, settings, winner)
        case _:
            return _PLAIN[effect]


def _of_edition(refusal: Code, settings: Settings) -> Code:
    if refusal in (Code.NOT_SUPPORTED, Code.NOT_APPLICABLE) and settings.edition == 2018:
        return Code.NOT_APPLICABLE
    return refusal


def _finished(record: Record) -> Code:
    """Return 3, 8, 9 or 10.

    Overrides within overrideDuration are a partial opt-out, longer ones no participation; a user who opted out is
    told apart by where he ended up.
    """
    if record.state is State.OPTED_OUT:
        return Code.PARTLY_OUT if record.took_part else Code.NOT_TAKEN_PART
    if record.override_s > record.control.override_s:
        return Code.NOT_TAKEN_PART
    if record.sat_out:
        return Code.PARTLY_IN
    return Code.PARTLY_OUT if record.override_s else Code.COMPLETED


def _superseded(record: Record, settings: Settings, winner: Control | None) -> Code:
    rule, mine = settings.supersede_code, record.control
    if winner is None or rule is Supersede.ALWAYS_7 or winner.program_key == mine.program_key:
        return Code.SUPERSEDED
    if winner.server != mine.server:
        return Code.OTHER_SERVER
    running = bool(record.begun)
    if rule is Supersede.SUNSPEC_PRINTED or (rule is Supersede.SUNSPEC and running):
        return Code.SUPERSEDED
    return Code.OTHER_PROGRAM


def wanted(code: Code, control: Control, settings: Settings) -> Code | None:
    """Return the code to send, which may be another one; None: the server does not want to hear it.

    Without replyTo there is nowhere to send it; without bits in responseRequired nobody asked; the function set has
    its own codes, and a utility may take some only (13 and 14 then become 7).

    Spec: IEEE 2030.5-2018 Table 27, 10.2.3.3.
    """
    if code is Code.EXPIRED and control.function_set not in DIRECT:
        return None
    if code is Code.RESUMED and settings.edition == 2018:
        return None
    taken = settings.response_codes
    if taken is not None and code not in taken and code in _DISPLACED:
        code = Code.SUPERSEDED
    if taken is not None and code not in taken:
        return None
    allowed = code in ALLOWED[control.function_set]
    if allowed and control.has_reply_to and asked_for(code, control.required):
        return code
    return None
