"""GG-9nnn: faults of this software; none of them should ever be seen."""

from typing import Final

from gateway.domain.codes.row import Move, Row
from gateway.domain.errors import MisuseError

_REPORT: Final = "Report it with `gridgate support-bundle -c FILE`."
_PLAYED: Final = (
    "The operator of a played utility asked for something that its state does not allow."
)
_HAND: Final = "Read the line; list what is there first."


def _own(code: str, reason: str, title: str) -> Row:
    why = "Two parts of the software disagree; the task stops rather than go on wrongly."
    return Row(code, reason, title, Move.MAKERS, why, _REPORT, (MisuseError,))


def _played(code: str, reason: str, title: str) -> Row:
    return Row(code, reason, title, Move.OPERATOR, _PLAYED, _HAND, (MisuseError,))


ROWS: Final = (
    _own("GG-9000", "UNEXPECTED", "Something that nobody thought of"),
    _own("GG-9001", "OUT_OF_SEQUENCE", "A step that the life of an intent does not have"),
    _own("GG-9002", "SCHEMA", "A message that we cannot write"),
    _own("GG-9003", "INVALID_TEXT", "A text that we cannot write"),
    _own("GG-9004", "INVALID_NUMBER", "A number that we cannot write"),
    _own("GG-9005", "INVALID_TIME", "A time that we cannot write"),
    _own("GG-9006", "INVALID_DURATION", "A duration that we cannot write"),
    _own("GG-9007", "INVALID_UNIT", "A unit that we cannot write"),
    _own("GG-9008", "TOO_LARGE", "A record that is too large for the log"),
    _own("GG-9009", "OUT_OF_RANGE", "A revision that cannot be"),
    _own("GG-9010", "NEWER_EPOCH", "A revision of a later epoch"),
    _own("GG-9011", "SHORT_KEY", "An installation key that is too short"),
    _own("GG-9012", "NOT_CANONICAL", "A value without a canonical form"),
    _own("GG-9013", "NOT_EXACT", "A number that would be rounded"),
    _own("GG-9014", "BROKEN_FRONTIER", "A log frontier that does not fit"),
    _own("GG-9015", "OUT_OF_TREE", "A leaf beyond the log"),
    _own("GG-9016", "NO_HEAD", "A bundle without a signed head"),
    _own("GG-9017", "NO_METER", "Terms without a contract meter"),
    _own("GG-9018", "NO_SCHEMA", "A session without its schema"),
    _own("GG-9019", "STATE_FORMAT", "A stored session of another format"),
    _own("GG-9020", "UNKNOWN_TIMER", "A timer that nobody serves"),
    _own("GG-9021", "PARTIAL_OPT", "A partial answer on its way upstream"),
    _own("GG-9022", "WRONG_OPTIONS", "Options of another protocol"),
    _own("GG-9023", "TOKEN", "Something was used the wrong way"),
    _own("GG-9024", "SECRET_IN_BUNDLE", "A support bundle that would hold a secret"),
    _played("GG-9101", "UNKNOWN_EVENT", "No such event was published"),
    _played("GG-9102", "EVENT_EXISTS", "The event is published already"),
    _played("GG-9103", "EVENT_ENDED", "The event is over"),
    _played("GG-9104", "CHANGES_PAST", "The past may not be changed"),
    _played("GG-9105", "TOO_MANY_VENS", "A target may name one VEN"),
    _played("GG-9106", "UNKNOWN_VEN", "No such VEN is registered"),
    _played("GG-9107", "UNKNOWN_WANT", "No such report is wanted"),
    _played("GG-9108", "WANT_EXISTS", "The report is wanted already"),
    _played("GG-9109", "EVENTS_OVERLAP", "The event would overlap another of its market context"),
    _played("GG-9110", "BAD_WISH", "No VEN could grant this wish for reports"),
    _played("GG-9111", "FINGERPRINT_TAKEN", "The certificate is allocated another venID"),
    _played("GG-9112", "UNKNOWN_OFFER", "The utility offers no such data point"),
    _played("GG-9113", "UNKNOWN_RESOURCE", "Nothing of this name is at the utility"),
    _played("GG-9114", "RESOURCE_EXISTS", "The name is in use at the utility"),
    _played("GG-9115", "BAD_RESOURCE", "No document could tell this"),
    _played("GG-9116", "RESOURCE_IN_USE", "What is to be removed is still in use"),
)
