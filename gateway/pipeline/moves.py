"""What the pipeline asks of the store for the operator's envelope."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.domain.guard import Move
from gateway.domain.names import IntentId, SiteId


class Moves(Protocol):
    """Where and when utilities drove sites away from what they drew; what the operator's envelope counts."""

    def of_intent(self, intent_id: IntentId) -> tuple[Move, ...]:
        """Return one intent's moves, oldest first."""
        ...

    def of_site(self, site: SiteId, since: datetime) -> tuple[Move, ...]:
        """Return a site's moves whose event is not over, or was not at ``since``, oldest first."""
        ...

    def ramping(self, since: datetime) -> tuple[Move, ...]:
        """Return the moves of all sites whose ramp ends after an instant, oldest first."""
        ...

    def replace(self, intent_id: IntentId, moves: Sequence[Move]) -> None:
        """Put these in the place of all moves of one intent."""
        ...

    def forget(self, site: SiteId, before: datetime) -> None:
        """Remove a site's moves whose event was over before an instant."""
        ...
