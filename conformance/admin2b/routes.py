"""The operator's interface as a table: what is served, with which documents."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from conformance.admin2b import bodies, documents
from conformance.admin2b.operator import Asked, Operator

Work: TypeAlias = Callable[[Operator, Asked], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation."""

    method: str
    path: str
    summary: str
    work: Work
    body: type[BaseModel] | None = None
    answer: type[BaseModel] = documents.Done
    query: dict[str, str] = field(default_factory=dict)
    """Name -> meaning."""
    lines: bool = False
    """True: the answer is JSON lines, one document each."""
    success: int = 200

    @property
    def operation(self) -> str:
        """Return the operationId: it never changes."""
        return getattr(self.work, "__name__", "operation")


_PAGE: Final = {
    "after": "Cursor: what follows it; `next` of the page before.",
    "limit": "Most items; 100 unless told, 1000 at most.",
}
_VEN: Final = {"ven": "Of one VEN, by its venID."}
_A_VEN: Final = "/v1/vens/{ven}"
_AN_EVENT: Final = "/v1/events/{event}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/utility",
        summary="The utility itself.",
        work=Operator.show,
        answer=documents.Utility,
    ),
    Route(
        method="GET",
        path="/v1/vens",
        summary="List VENs, registered or allocated.",
        work=Operator.list_vens,
        answer=documents.Vens,
        query=_PAGE,
    ),
    Route(
        method="GET",
        path=_A_VEN,
        summary="Show a VEN.",
        work=Operator.show_ven,
        answer=documents.VenDocument,
    ),
    Route(
        method="PUT",
        path=_A_VEN,
        summary="Allocate a venID, or change whose certificates may use it.",
        work=Operator.allocate,
        body=bodies.AllocationBody,
        answer=documents.VenDocument,
    ),
    Route(
        method="DELETE",
        path=_A_VEN,
        summary="Forget a VEN and its allocation without asking it.",
        work=Operator.remove,
    ),
    Route(
        method="POST",
        path=f"{_A_VEN}/reregister",
        summary="Ask a VEN to register anew (oadrRequestReregistration).",
        work=Operator.reregister,
    ),
    Route(
        method="POST",
        path=f"{_A_VEN}/unregister",
        summary="Ask a VEN to end its registration (oadrCancelPartyRegistration).",
        work=Operator.unregister,
    ),
    Route(
        method="GET",
        path=f"{_A_VEN}/availability",
        summary="Whether a VEN's opt schedules have it take part.",
        work=Operator.availability,
        answer=documents.Availability,
        query={
            "at": "Instant; now unless told.",
            "resource": "A resourceID; the whole VEN unless told.",
            "market_context": "Program.",
        },
    ),
    Route(
        method="GET",
        path="/v1/events",
        summary="List events.",
        work=Operator.list_events,
        answer=documents.Events,
        query=_PAGE | _VEN,
    ),
    Route(
        method="POST",
        path="/v1/events",
        summary="Announce an event.",
        work=Operator.create_event,
        body=bodies.EventBody,
        answer=documents.EventDocument,
        success=201,
    ),
    Route(
        method="GET",
        path=_AN_EVENT,
        summary="Show an event.",
        work=Operator.show_event,
        answer=documents.EventDocument,
    ),
    Route(
        method="PUT",
        path=_AN_EVENT,
        summary="Replace an event by its next version; the same content changes nothing.",
        work=Operator.modify_event,
        body=bodies.EventChange,
        answer=documents.EventDocument,
    ),
    Route(
        method="POST",
        path=f"{_AN_EVENT}/cancel",
        summary="Cancel an event.",
        work=Operator.cancel_event,
        answer=documents.EventDocument,
    ),
    Route(
        method="GET",
        path=f"{_AN_EVENT}/deliveries",
        summary="Where every VEN stands with an event.",
        work=Operator.list_deliveries,
        answer=documents.Deliveries,
    ),
    Route(
        method="GET",
        path="/v1/answers",
        summary="Every answer to an event, as it came; earlier runs too where there is a store.",
        work=Operator.list_answers,
        answer=documents.Answers,
        query=_PAGE | _VEN | {"event": "Of one event, by its eventID."},
    ),
    Route(
        method="GET",
        path="/v1/reports",
        summary="List wishes for reports and the requests made for them.",
        work=Operator.list_reports,
        answer=documents.Wishes,
    ),
    Route(
        method="POST",
        path="/v1/reports",
        summary="Ask for reports: one-shot, periodic, history or METADATA.",
        work=Operator.request_reports,
        body=bodies.WishesBody,
        answer=documents.Wishes,
        success=201,
    ),
    Route(
        method="POST",
        path="/v1/reports/{report}/cancel",
        summary="Ask for no more reports of a wish.",
        work=Operator.cancel_report,
        body=bodies.CancelBody,
    ),
    Route(
        method="GET",
        path="/v1/values",
        summary="Every value that VENs reported.",
        work=Operator.list_values,
        answer=documents.Values,
        query=_PAGE | _VEN | {"report": "Of one wish, by its id."},
    ),
    Route(
        method="GET",
        path="/v1/opts",
        summary="List the opts that VENs created.",
        work=Operator.list_opts,
        answer=documents.Opts,
        query=_VEN | {"limit": _PAGE["limit"]},
    ),
    Route(
        method="GET",
        path="/v1/own-reports",
        summary="What the utility offers itself, and who asked for it.",
        work=Operator.list_offers,
        answer=documents.Offers,
    ),
    Route(
        method="PUT",
        path="/v1/own-reports",
        summary="Offer reports in place of all offered before.",
        work=Operator.offer,
        body=bodies.OffersBody,
        answer=documents.Offers,
    ),
    Route(
        method="POST",
        path="/v1/own-reports/{report}/values",
        summary="Note values of a report that the utility offers.",
        work=Operator.record_values,
        body=bodies.ValuesBody,
    ),
    Route(
        method="GET",
        path="/v1/facts",
        summary="What happened in this run: registrations, deliveries, answers, refusals.",
        work=Operator.list_facts,
        answer=documents.Facts,
        query=_PAGE,
    ),
    Route(
        method="GET",
        path="/v1/transcript",
        summary="Every exchange as it went over the wire, one JSON object a line.",
        work=Operator.transcript,
        answer=documents.ExchangeDocument,
        query=_PAGE,
        lines=True,
    ),
)
"""Everything that is served, beside ``/openapi.json``."""
