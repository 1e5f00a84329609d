"""What the store says about how things stand, in a few looks; counts and ages, no content."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, bindparam, func, select

from gateway.database.columns import micros
from gateway.domain.intent import State
from gateway.intents.lifecycle import TERMINAL
from gateway.observability.standing import StoreFigures, Waiting
from gateway.pipeline.deliveries import Fate
from gateway.store.deliveries import DeliveryRow
from gateway.store.intents import IntentRow
from gateway.store.outbox import OUTBOX
from gateway.store.row import table_of
from gateway.store.telemetry import StatusRow
from gateway.store.timers import TimerRow
from gateway.store.transaction import QuarantineRow

_INTENT: Final = table_of(IntentRow)
_TIMER: Final = table_of(TimerRow)
_STATUS: Final = table_of(StatusRow)
_DELIVERY: Final = table_of(DeliveryRow)
_LIVE: Final = and_(
    _INTENT.c.current == 1, _INTENT.c.status.not_in(sorted(state.value for state in TERMINAL))
)
_UNSEEN: Final = (
    select(func.count(), func.min(OUTBOX.c.created_at))
    .select_from(_INTENT)
    .join(
        OUTBOX,
        and_(
            OUTBOX.c.site == _INTENT.c.site,
            OUTBOX.c.kind == "intent",
            OUTBOX.c.subject == _INTENT.c.intent_id,
            OUTBOX.c.revision == _INTENT.c.revision,
        ),
    )
    .where(_LIVE, _INTENT.c.acked_revision < _INTENT.c.revision, OUTBOX.c.acked_at.is_(None))
    .where((OUTBOX.c.deliver_by.is_(None)) | (OUTBOX.c.deliver_by > bindparam("now")))
)
_HELD: Final = select(func.count()).where(_LIVE, _INTENT.c.status == State.RECEIVED.value)
_DEAD: Final = select(func.count()).where(_DELIVERY.c.fate == Fate.DEAD.value)
_QUARANTINED: Final = select(func.count()).select_from(table_of(QuarantineRow))
_DUE: Final = select(func.min(_TIMER.c.due_at)).where(_TIMER.c.aside == 0)
_HEARD: Final = select(_STATUS.c.site, _STATUS.c.heard_at)


def figures(connection: Connection, now: datetime) -> StoreFigures:
    """Look at the whole store.

    Args:
        connection: For reading.
        now: Ages count from here.
    """
    at = micros(now)

    def ago(stamp: int | None) -> float:
        return 0.0 if stamp is None else max(at - stamp, 0) / 1e6

    count, oldest = connection.execute(_UNSEEN, {"now": at}).one()
    return StoreFigures(
        unseen=Waiting(count=count, oldest_s=ago(oldest)),
        held=connection.execute(_HELD).scalar_one(),
        dead_letters=connection.execute(_DEAD).scalar_one(),
        quarantined=connection.execute(_QUARANTINED).scalar_one(),
        overdue_s=ago(connection.execute(_DUE).scalar()),
        heard_s={site: ago(heard_at) for site, heard_at in connection.execute(_HEARD)},
    )
