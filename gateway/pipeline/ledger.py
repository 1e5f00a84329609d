"""What the pipeline asks of the store about statements: the ledger, and which of them late meter data may correct."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.domain.names import IntentId, MeterId, SiteId
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStatement:
    """A statement that meter data may still correct."""

    intent: IntentId
    site: SiteId
    meter: MeterId
    span: Span
    """Whatever is metered in here counts for it: the event and the windows of its baselines."""
    until: datetime
    """What comes from then on corrects nothing: the statement stands."""
    version: int
    """The one that stands now."""
    lacking: bool
    """True: not every interval of the span was there when it was made."""
    late_since: datetime | None = None
    """When the first batch came that it does not take account of."""


class Statements(Protocol):
    """Settlement statements; a resettlement supersedes, never edits."""

    def put(self, statement: SettlementStatement) -> None:
        """Store one version."""
        ...

    def get(self, statement_id: str, version: int | None = None) -> SettlementStatement | None:
        """Return one version; None: the newest."""
        ...

    def of_site(self, site: SiteId | None) -> tuple[SettlementStatement, ...]:
        """Return newest versions, oldest first; None: of all sites."""
        ...


class OpenStatements(Protocol):
    """Statements that late meter data may correct, one per intent; they leave when their time is over."""

    def put(self, statement: OpenStatement) -> None:
        """Insert or replace."""
        ...

    def get(self, intent: IntentId) -> OpenStatement | None:
        """Return one."""
        ...

    def over(self, site: SiteId, span: Span, now: datetime) -> tuple[OpenStatement, ...]:
        """Return those of a site that count what is metered in a span and are open at an instant, by intent id."""
        ...

    def close(self, intent: IntentId) -> None:
        """Remove one; unknown intents are fine."""
        ...

    def close_due(self, now: datetime) -> None:
        """Remove those whose time is over."""
        ...
