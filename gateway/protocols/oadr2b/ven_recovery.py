"""VEN: what a snapshot out of a restored backup may still say.

The utility has lived on since the backup was made. What the VEN knew of events stays, so that cancellations since then
are noticed; what it was about to say is dropped, since it may have said something else in the meantime; its answers are
asked of the pipeline anew.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gateway.protocols.oadr2b.events import State as EventState
from gateway.protocols.oadr2b.registration import State
from gateway.protocols.oadr2b.signature.replay import Remembered, bucket_of
from gateway.protocols.oadr2b.ven_snapshot import read_state, write_state
from gateway.protocols.oadr2b.ven_state import Due, EventRecord

LATE_DATA: Final = timedelta(minutes=2)
"""Sites send the meter data that they kept meanwhile; owed reports wait for it that long."""
_UNFINISHED: Final = {
    State.QUERYING: State.UNREGISTERED,
    State.REGISTERING: State.UNREGISTERED,
    State.RENEWING: State.REGISTERED,
    State.CANCELLING: State.REGISTERED,
}
"""States that wait for the answer to a message that is dropped; where they lead back to."""


def recovered(document: bytes, now: datetime) -> bytes:
    """Return the snapshot with which a session goes on after a restore.

    Args:
        document: As it stood in the backup.
        now: Of the first start after the restore.

    Raises:
        MisuseError: ``STATE_FORMAT``.
    """
    state = read_state(document)
    known = state.registration
    return write_state(
        replace(
            state,
            registration=replace(
                known, state=_UNFINISHED.get(known.state, known.state), retry_at=None
            ),
            outbox=(),
            events={key: _unanswered(record) for key, record in state.events.items()},
            owed=tuple(_later(due, now) for due in state.owed),
            restored_at=now,
            # What came in since the backup is not known: nothing that was sent before now is taken any more.
            replay=Remembered(floor=bucket_of(now) + 1),
        )
    )


def _unanswered(record: EventRecord) -> EventRecord:
    if record.state is not EventState.OPEN:
        return record
    return replace(record, answer=None, owed=())


def _later(due: Due, now: datetime) -> Due:
    return replace(due, ready_at=max(due.ready_at, now + LATE_DATA))
