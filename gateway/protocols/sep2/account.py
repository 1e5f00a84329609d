"""Where every leaf of a 2030.5 document went: into a field of the ``GridEvent``, nowhere, or it is the list's own.

The bytes of an event are those of the list, or of the default, that it was read in. Its member of the list is found by
its mRID; leaves of other members belong to other events. A leaf that no rule below names has no field, be it of the
standard (modes that no site can follow, say) or unknown to us.

Spec: compute-flex B.5 (IEEE 2030.5); IEEE 2030.5-2018 DERControl, EndDeviceControl, TextMessage, DefaultDERControl.
"""

import re
from typing import Final

from gateway.domain.event import GridEvent
from gateway.protocols.leaf import ARCHIVE, AccountedLeaf
from gateway.protocols.sep2.client.modes import FOLLOWED
from gateway.protocols.sep2.identity import same_hex
from gateway.protocols.xml import Leaf, leaves

_INDEX: Final = re.compile(r"\[\d+\]")
_FIELDS: Final = {
    "mRID": "source.mRID",
    "description": "comment",
    "version": "source.version",
    "creationTime": "created_at",
    "EventStatus/currentStatus": "source.currentStatus",
    "interval/start": "start",
    "interval/duration": "duration",
    "randomizeStart": "randomise",
    "randomizeDuration": "duration",
    "deviceCategory": "targets.end_devices",
    "DERControlBase/rampTms": "ramp_in",
    "setGradW": "signals.intervals",
    "loadShiftForward": "signals.direction",
    "textMessage": "unmapped.textMessage",
    "priority": "signals[TextMessage].value",
    "@replyTo": "source.replyTo",
    "@responseRequired": "response_required",
    "@href": "source.href",
    "@subscribable": ARCHIVE,
}
"""Path below the event, without numbers -> field."""
_DRLC: Final = ("TargetReduction", "Offset", "DutyCycle", "ApplianceLoadReduction")
_LIST: Final = frozenset({"@all", "@results", "@href", "@pollRate", "@subscribable", "@schemaVer"})
_SCHEMA: Final = "@schemaLocation"


def account(body: bytes, event: GridEvent) -> tuple[AccountedLeaf, ...]:
    """Account for every leaf of a document that concerns an event: its own, and the list's around it.

    Args:
        body: The document as received.
        event: As it went inward.

    Raises:
        WireError: the body cannot be parsed.
    """
    found = leaves(body)
    own = _own_path(found, event.source.get("mRID", ""))
    return tuple(
        AccountedLeaf(path=leaf.path, value=leaf.value, field=_place(leaf, own, event))
        for leaf in found
        if leaf.path.startswith((f"{own}/", own)) or leaf.path.count("/") == 1
    )


def _own_path(found: tuple[Leaf, ...], mrid: str) -> str:
    """Return the path of the element that bears an mRID; the root where none does."""
    for leaf in found:
        above, _, name = leaf.path.rpartition("/")
        if name == "mRID" and same_hex(leaf.value.strip(), mrid):
            return above
    return found[0].path.partition("/")[0] if found else ""


def _place(leaf: Leaf, own: str, event: GridEvent) -> str | None:
    below = leaf.path[len(own) + 1 :] if leaf.path.startswith(f"{own}/") else ""
    if not below:
        name = leaf.path.rpartition("/")[2]
        return ARCHIVE if name in _LIST or name == _SCHEMA else None
    bare = _INDEX.sub("", below)
    return _FIELDS.get(bare) or _value(bare, event)


def _value(bare: str, event: GridEvent) -> str | None:
    """Return the signal that a value went into; None: into none."""
    signals = {signal.signal_id for signal in event.signals}
    part, _, rest = bare.removeprefix("DERControlBase/").partition("/")
    if not bare.startswith("DERControlBase/"):
        part, _, rest = bare.partition("/")
    known = part in FOLLOWED or part in _DRLC
    if not known or part not in signals:
        return None
    return f"signals[{part}].{'unit' if rest == 'type' else 'intervals'}"
