"""The effective plan of each site, the newest only: earlier ones are in the evidence log."""

from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.domain.errors import StoreError
from gateway.domain.names import SiteId
from gateway.domain.plan import EffectivePlan
from gateway.store.codec import model_bytes, read_model
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class PlanRow(StoreRow, table=True):
    """What one site may draw."""

    __tablename__ = "plan"

    site: str = Field(primary_key=True)
    revision: int = Field(sa_type=BigInteger)
    body: bytes
    digest: bytes


_PLAN: Final = table_of(PlanRow)
GUARD: Final = Guard(_PLAN, ("site", "revision"), ("site", "revision", "body"))
ALL: Final = select(_PLAN)
_ONE: Final = select(_PLAN).where(_PLAN.c.site == bindparam("site"))
_NEW: Final = insert(_PLAN).excluded
_UPSERT: Final = insert(_PLAN).on_conflict_do_update(
    index_elements=["site"],
    set_={"revision": _NEW.revision, "body": _NEW.body, "digest": _NEW.digest},
)


class Plans:
    """See ``gateway.pipeline.ports.Plans``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, site: SiteId) -> EffectivePlan | None:
        """Return the newest plan, None before the first."""
        row = self._row(site)
        if row is None:
            return None
        GUARD.require(self._transaction, row)
        return read_model(EffectivePlan, row.body)

    def put(self, plan: EffectivePlan) -> None:
        """Store a newer plan.

        Raises:
            StoreError: ``STALE_REVISION`` when it is none: an older one, or another under the same revision.
        """
        body = model_bytes(plan)
        row = self._row(SiteId(plan.site))
        if row is not None and GUARD.sound(self._transaction, (row,)):
            if row.revision == plan.revision and row.body == body:
                return
            if plan.revision <= row.revision:
                raise StoreError(
                    "STALE_REVISION",
                    f"the plan of {plan.site} has revision {row.revision}; {plan.revision} is not newer",
                )
        self._transaction.run(
            _UPSERT, GUARD.sealed({"site": plan.site, "revision": plan.revision, "body": body})
        )

    def _row(self, site: SiteId) -> Row[Any] | None:
        return self._transaction.run(_ONE, {"site": site}).first()
