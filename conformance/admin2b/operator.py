"""What each operation does; the app reads the request and writes the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from pydantic import BaseModel

from conformance.admin2b import bodies, documents
from conformance.admin2b.documents import FieldFault
from conformance.admin2b.problems import InvalidBodyError
from conformance.admin2b.views import (
    answer_documents,
    delivery_document,
    event_document,
    exchange_document,
    fact_document,
    offer_document,
    opt_document,
    value_documents,
    ven_document,
    wish_document,
)
from conformance.peers.event_spec import EventSpec
from conformance.peers.units import item_base
from conformance.peers.vtn2b import UtilityPeer
from gateway.domain.errors import GatewayError, MisuseError
from gateway.domain.ports import Clock
from gateway.domain.timespan import instant
from gateway.protocols.oadr2b.messages import (
    OadrReport,
    OadrReportDescription,
    OadrSamplingRate,
)
from gateway.protocols.oadr2b.signal_table import check_signals
from gateway.protocols.oadr2b.vtn_opts import takes_part
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    DeliveryRecord,
    EventRecord,
    OptRecord,
    OwnReportRecord,
    WantRecord,
)
from gateway.protocols.oadr2b.vtn_reports import check_wish
from gateway.protocols.oadr2b.vtn_supply import pending
from gateway.servers.vtn2b.history import Sought

USUAL: Final = 100
MOST: Final = 1000
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, read."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: BaseModel

    def of(self, model: type[B]) -> B:
        """Return the body as what the route says it is."""
        if not isinstance(self.body, model):
            raise MisuseError("TOKEN", "a route and its handler disagree about the body")
        return self.body

    def number(self, name: str, usual: int, most: int) -> int:
        """Return a whole number of the query.

        Raises:
            InvalidBodyError: it is none, or out of range.
        """
        text = self.query.get(name, str(usual))
        if text.isascii() and text.isdigit() and len(text) <= 15 and int(text) <= most:
            return int(text)
        raise _bad(name, f"must be a whole number from 0 to {most}")

    def sought(self, about: str) -> Sought:
        """Return which rows of a history are asked for."""
        return Sought(
            after=self.number("after", 0, 10**15),
            limit=self.number("limit", USUAL, MOST),
            ven_id=self.query.get("ven", ""),
            about=self.query.get(about, ""),
        )


def _bad(name: str, detail: str) -> InvalidBodyError:
    return InvalidBodyError((FieldFault(pointer=name, detail=detail, fix="correct the query"),))


class Operator:
    """Does what an operator asks.

    Args:
        utility: Started.
        clock: Its clock.
        vtn_id: Its id.
        run: Names this run of the process, for the cursors of facts.
    """

    def __init__(self, utility: UtilityPeer, clock: Clock, vtn_id: str, run: str) -> None:
        self._utility = utility
        self._clock = clock
        self._vtn_id = vtn_id
        self._run = run

    async def show(self, _: Asked) -> documents.Utility:
        """Tell about the utility itself."""
        page = self._utility.page()
        return documents.Utility(
            vtn_id=self._vtn_id,
            url=self._utility.url,
            now=page.now.replace(microsecond=0),
            poll_every=page.options.poll_every,
            vens=sum(1 for _ in page.vens()),
            events=len(page.all(EventRecord)),
        )

    async def list_vens(self, asked: Asked) -> documents.Vens:
        """List VENs, registered or allocated."""
        page = self._utility.page()
        known = {ven.ven_id for ven in page.vens()}
        known |= {held.ven_id for held in page.all(AllocationRecord)}
        limit = asked.number("limit", USUAL, MOST)
        after = asked.query.get("after", "")
        wanted = [ven_id for ven_id in sorted(known) if ven_id > after]
        found = (ven_document(page, self._utility.vtn, one) for one in wanted[:limit])
        return documents.Vens(
            vens=tuple(one for one in found if one is not None),
            next=wanted[limit - 1] if len(wanted) > limit > 0 else None,
        )

    async def show_ven(self, asked: Asked) -> documents.VenDocument:
        """Show one VEN."""
        ven_id = asked.path["ven"]
        found = ven_document(self._utility.page(), self._utility.vtn, ven_id)
        if found is None:
            raise MisuseError("UNKNOWN_VEN", f"no VEN {ven_id!r} is registered or allocated")
        return found

    async def allocate(self, asked: Asked) -> documents.VenDocument:
        """Give a venID out beforehand, or change its certificates."""
        body = asked.of(bodies.AllocationBody)
        await self._utility.allocate(asked.path["ven"], body.fingerprints, body.name)
        return await self.show_ven(asked)

    async def remove(self, asked: Asked) -> documents.Done:
        """Forget a VEN without asking it."""
        await self._utility.remove(asked.path["ven"])
        return documents.Done()

    async def reregister(self, asked: Asked) -> documents.Done:
        """Ask a VEN to register anew."""
        await self._utility.ask_reregistration(asked.path["ven"])
        return documents.Done()

    async def unregister(self, asked: Asked) -> documents.Done:
        """Ask a VEN to end its registration."""
        await self._utility.cancel_registration(asked.path["ven"])
        return documents.Done()

    async def availability(self, asked: Asked) -> documents.Availability:
        """Say whether a VEN's schedules have it take part at an instant."""
        page, ven_id = self._utility.page(), asked.path["ven"]
        resource = asked.query.get("resource", "")
        return documents.Availability(
            ven_id=ven_id,
            at=self._instant(asked),
            takes_part=takes_part(
                page,
                ven_id,
                self._instant(asked),
                resource=f"resource_ids:{resource}" if resource else "",
                market_context=asked.query.get("market_context", ""),
            ),
        )

    def _instant(self, asked: Asked) -> datetime:
        text = asked.query.get("at")
        if text is None:
            return self._clock.now().replace(microsecond=0)
        try:
            return instant(text)
        except GatewayError as error:
            raise _bad("at", error.detail) from None

    async def list_events(self, asked: Asked) -> documents.Events:
        """List events, perhaps of one VEN."""
        page = self._utility.page()
        ven_id, after = asked.query.get("ven", ""), asked.query.get("after", "")
        limit = asked.number("limit", USUAL, MOST)
        records = page.events_for(ven_id) if ven_id else page.all(EventRecord)
        found = [record for record in records if record.event_id > after]
        return documents.Events(
            events=tuple(event_document(page, record) for record in found[:limit]),
            next=found[limit - 1].event_id if len(found) > limit > 0 else None,
        )

    async def create_event(self, asked: Asked) -> documents.EventDocument:
        """Announce an event."""
        body = asked.of(bodies.EventBody)
        spec = body.spec(body.id, body.vens)
        _check(spec)
        await self._utility.publish(spec)
        return self._event(body.id)

    async def show_event(self, asked: Asked) -> documents.EventDocument:
        """Show one event."""
        return self._event(asked.path["event"])

    def _event(self, event_id: str) -> documents.EventDocument:
        page = self._utility.page()
        record = page.find(EventRecord, "", (event_id,))
        if record is None:
            raise MisuseError("UNKNOWN_EVENT", f"no event {event_id!r} was published")
        return event_document(page, record)

    async def modify_event(self, asked: Asked) -> documents.EventDocument:
        """Replace an event by its next version."""
        body, event_id = asked.of(bodies.EventChange), asked.path["event"]
        record = self._utility.page().find(EventRecord, "", (event_id,))
        spec = body.spec(event_id, record.audience if record else ())
        _check(spec)
        await self._utility.modify(spec)
        return self._event(event_id)

    async def cancel_event(self, asked: Asked) -> documents.EventDocument:
        """Cancel an event."""
        await self._utility.cancel(asked.path["event"])
        return self._event(asked.path["event"])

    async def list_deliveries(self, asked: Asked) -> documents.Deliveries:
        """Tell where every VEN stands with one event."""
        self._event(asked.path["event"])
        page = self._utility.page()
        found = (
            page.find(DeliveryRecord, ven.ven_id, (asked.path["event"],)) for ven in page.vens()
        )
        return documents.Deliveries(
            deliveries=tuple(delivery_document(one) for one in found if one is not None)
        )

    async def list_answers(self, asked: Asked) -> documents.Answers:
        """List answers to events, as they came."""
        sought = asked.sought("event")
        found = answer_documents(await self._utility.history.answers(sought))
        return documents.Answers(answers=found, next=found[-1].number if found else sought.after)

    async def list_reports(self, _: Asked) -> documents.Wishes:
        """List wishes for reports."""
        page = self._utility.page()
        return documents.Wishes(
            wishes=tuple(wish_document(page, wish) for wish in page.all(WantRecord))
        )

    async def request_reports(self, asked: Asked) -> documents.Wishes:
        """Ask for reports, in one message per VEN."""
        wishes = asked.of(bodies.WishesBody).wishes
        for one in wishes:
            if not one.unchecked:
                check_wish(one.wish())
        await self._utility.request_reports(*(one.wish() for one in wishes))
        return await self.list_reports(asked)

    async def cancel_report(self, asked: Asked) -> documents.Done:
        """Ask for no more reports of a wish."""
        body = asked.of(bodies.CancelBody)
        await self._utility.cancel_report(
            asked.path["report"], to_follow=body.to_follow, piggyback=body.piggyback
        )
        return documents.Done()

    async def list_values(self, asked: Asked) -> documents.Values:
        """List reported values."""
        sought = asked.sought("report")
        found = value_documents(await self._utility.history.values(sought))
        return documents.Values(values=found, next=found[-1].number if found else sought.after)

    async def list_opts(self, asked: Asked) -> documents.Opts:
        """List opts, perhaps of one VEN."""
        page = self._utility.page()
        wanted = asked.query.get("ven", "")
        vens = [wanted] if wanted else [ven.ven_id for ven in page.vens()]
        found = (record for ven_id in vens for record in page.all(OptRecord, ven_id))
        limit = asked.number("limit", MOST, 10 * MOST)
        return documents.Opts(opts=tuple(opt_document(one) for one in islice(found, limit)))

    async def list_offers(self, _: Asked) -> documents.Offers:
        """List what the utility offers, and who asked for it."""
        page = self._utility.page()
        asked_for = {ven.ven_id: pending(page, ven.ven_id) for ven in page.vens()}
        return documents.Offers(
            reports=tuple(offer_document(one.report) for one in page.all(OwnReportRecord)),
            pending={ven_id: ids for ven_id, ids in asked_for.items() if ids},
        )

    async def offer(self, asked: Asked) -> documents.Offers:
        """Offer reports in place of all offered before."""
        now = self._clock.now()
        reports = (_report(one, now) for one in asked.of(bodies.OffersBody).reports)
        await self._utility.offer(*reports)
        return await self.list_offers(asked)

    async def record_values(self, asked: Asked) -> documents.Done:
        """Note values of a report of the utility's own."""
        for one in asked.of(bodies.ValuesBody).values:
            await self._utility.record_value(asked.path["report"], one.r_id, one.value, one.at)
        return documents.Done()

    async def list_facts(self, asked: Asked) -> documents.Facts:
        """List what happened in this run."""
        run, _, number = asked.query.get("after", "").rpartition(".")
        after = int(number) if run == self._run and number.isdigit() else 0
        found = self._utility.facts_after(after, asked.number("limit", USUAL, MOST))
        last = found[-1][0] if found else after
        return documents.Facts(
            facts=tuple(fact_document(place, told) for place, told in found),
            next=f"{self._run}.{last}",
        )

    async def transcript(self, asked: Asked) -> list[documents.ExchangeDocument]:
        """Return exchanges, one JSON line each."""
        found = await self._utility.exchanges(
            asked.number("after", 0, 10**15), asked.number("limit", MOST, 10 * MOST)
        )
        return [exchange_document(one) for one in found]


def _check(spec: EventSpec) -> None:
    """Let the standard's own table of signals judge an event."""
    if not spec.unchecked:
        check_signals(spec.message().ei_event)


def _report(offer: bodies.OfferBody, now: datetime) -> OadrReport:
    return OadrReport(
        duration=offer.buffer,
        oadr_report_descriptions=tuple(
            OadrReportDescription(
                r_id=point.r_id,
                report_type=point.type,
                item_base=item_base(point.unit),
                reading_type=point.reading,
                oadr_sampling_rate=None
                if offer.name.startswith("HISTORY")
                else OadrSamplingRate(
                    oadr_min_period=point.fastest,
                    oadr_max_period=point.slowest,
                    oadr_on_change=False,
                ),
            )
            for point in offer.points
        ),
        report_request_id="0",
        report_specifier_id=offer.id,
        report_name=f"METADATA_{offer.name}",
        created_date_time=now,
    )
