"""Where every leaf of an oadrDistributeEvent went: the proof that normalising loses nothing.

A leaf has gone into a field of the ``GridEvent``, or it is listed in ``unmapped``, or it belongs to the message's
own syntax (signature, ids, empty wrappers) and is kept in the archived bytes alone. Leaves of other events of the same
message are accounted for under those events.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.event import GridEvent
from gateway.protocols.leaf import ARCHIVE, AccountedLeaf
from gateway.protocols.oadr2b.normalize import ROOT
from gateway.protocols.xml import Leaf, leaves

_EVENT: Final = re.compile(re.escape(ROOT) + r"/oadrEvent(\[\d+\])?")
_INDEX: Final = re.compile(r"\[\d+\]")
_SIGNAL: Final = re.compile(r"eiEvent/eiEventSignals/eiEventSignal(\[\d+\])?/")
_PROPERTIES: Final = "eiEvent/eiActivePeriod/properties"
_DESCRIPTOR: Final = "eiEvent/eventDescriptor"
_TARGET: Final = "eiEvent/eiTarget"

EVENT_FIELDS: Final = {
    f"{_DESCRIPTOR}/eventID": "event_id",
    f"{_DESCRIPTOR}/modificationNumber": "version",
    f"{_DESCRIPTOR}/modificationDateTime": "source.modificationDateTime",
    f"{_DESCRIPTOR}/modificationReason": "source.modificationReason",
    f"{_DESCRIPTOR}/priority": "priority_raw",
    f"{_DESCRIPTOR}/eiMarketContext/marketContext": "source.marketContext",
    f"{_DESCRIPTOR}/createdDateTime": "created_at",
    f"{_DESCRIPTOR}/eventStatus": "source.eventStatus",
    f"{_DESCRIPTOR}/testEvent": "source.testEvent",
    f"{_DESCRIPTOR}/vtnComment": "comment",
    f"{_PROPERTIES}/dtstart/date-time": "start",
    f"{_PROPERTIES}/duration/duration": "duration",
    f"{_PROPERTIES}/tolerance/tolerate/startafter": "randomise",
    f"{_PROPERTIES}/tolerance": ARCHIVE,
    f"{_PROPERTIES}/tolerance/tolerate": ARCHIVE,
    f"{_PROPERTIES}/x-eiNotification/duration": "notice",
    f"{_PROPERTIES}/x-eiRampUp/duration": "ramp_in",
    f"{_PROPERTIES}/x-eiRecovery/duration": "recovery",
    "eiEvent/eiActivePeriod/components": ARCHIVE,
    _TARGET: ARCHIVE,
    f"{_TARGET}/aggregatedPnode/node": "targets.locations",
    f"{_TARGET}/pnode/node": "targets.locations",
    f"{_TARGET}/serviceDeliveryPoint/node": "targets.locations",
    f"{_TARGET}/groupID": "targets.groups",
    f"{_TARGET}/groupName": "targets.groups",
    f"{_TARGET}/resourceID": "source.resourceID",
    f"{_TARGET}/venID": "targets.end_devices",
    f"{_TARGET}/partyID": "targets.parties",
    "oadrResponseRequired": "source.oadrResponseRequired",
}
"""Path below the oadrEvent, without numbers -> field."""
SIGNAL_FIELDS: Final = {
    "signalName": "name",
    "signalType": "type",
    "signalID": "signal_id",
    "currentValue/payloadFloat/value": "current_value",
    "intervals/interval/dtstart/date-time": "start",
    "intervals/interval/duration/duration": "span",
    "intervals/interval/uid/text": "place",
    "intervals/interval/signalPayload/payloadFloat/value": "value",
    "eiTarget": ARCHIVE,
}
"""Path below the eiEventSignal, without numbers -> field of the signal, or of the interval."""
MESSAGE_FIELDS: Final = {
    f"{ROOT}/requestID": "source.requestID",
    f"{ROOT}/vtnID": "source.vtnID",
}


def account(body: bytes, event: GridEvent) -> tuple[AccountedLeaf, ...]:
    """Account for every leaf of a message that concerns an event: its own, and the message's around it.

    Args:
        body: The message as received; for an implied cancellation, the one that no longer lists the event.
        event: As it went inward.

    Raises:
        WireError: When the body cannot be parsed.
    """
    found = leaves(body)
    own = _Own(event=event, path=_event_path(found, event))
    own.signal_ids.update(_signal_ids(found, own.path))
    return tuple(
        AccountedLeaf(path=leaf.path, value=leaf.value, field=place)
        for leaf in found
        for place in own.places(leaf)
    )


def _event_path(found: tuple[Leaf, ...], event: GridEvent) -> str:
    """Find the oadrEvent by its id; empty when the message does not hold it."""
    for leaf in found:
        match = _EVENT.match(leaf.path)
        if match and leaf.value == event.event_id:
            path = match.group()
            if leaf.path == f"{path}/{_DESCRIPTOR}/eventID":
                return path
    return ""


def _signal_ids(found: tuple[Leaf, ...], path: str) -> Iterator[tuple[str, str]]:
    for leaf in found:
        if leaf.path.startswith(path) and leaf.path.endswith("/signalID"):
            yield leaf.path[len(path) + 1 :].removesuffix("signalID"), leaf.value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """One event of the message."""

    event: GridEvent
    path: str
    signal_ids: dict[str, str] = field(default_factory=dict)
    """Path of a signal below the oadrEvent -> its signalID."""

    def places(self, leaf: Leaf) -> Iterator[str | None]:
        """Yield where a leaf went; nothing for a leaf of another event."""
        match = _EVENT.match(leaf.path)
        if match is None:
            yield MESSAGE_FIELDS.get(leaf.path, ARCHIVE)
        elif match.group() == self.path:
            yield self._place(leaf.path, leaf.path[len(self.path) + 1 :])

    def _place(self, path: str, below: str) -> str | None:
        if path in self.event.unmapped:
            return None
        if "/@" in below:
            return ARCHIVE
        signal = _SIGNAL.match(below)
        if signal:
            return self._signal_place(
                self.signal_ids.get(signal.group(), ""), below[signal.end() :]
            )
        bare = _INDEX.sub("", below)
        if bare == f"{_TARGET}/resourceID":
            numbered = _INDEX.search(below)
            return f"source.resourceID{numbered.group() if numbered else '[1]'}"
        return EVENT_FIELDS.get(bare)

    def _signal_place(self, signal_id: str, rest: str) -> str | None:
        bare = _INDEX.sub("", rest)
        if bare.endswith(("/itemUnits", "/siScaleCode")):
            return f"signals[{signal_id}].unit"
        place = SIGNAL_FIELDS.get(bare)
        if place is None or place == ARCHIVE:
            return place
        if not bare.startswith("intervals/"):
            return f"signals[{signal_id}].{place}"
        numbered = _INDEX.search(rest)
        step = int(numbered.group()[1:-1]) - 1 if numbered else 0
        return f"signals[{signal_id}].intervals[{step}].{place}"
