"""What an operator reserves ahead through the control socket, and the documents that travel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from gateway.app.control import LARGEST, answered, read_document
from gateway.app.operator_desk import peer_name
from gateway.app.sessions import Sessions
from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.points import Step
from gateway.domain.ports import Ids
from gateway.domain.quantity import ExactNumber
from gateway.domain.reserving import Grant, Need, Reservation, ReservationState, Withdrawal
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration, Instant
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.turning import turning
from gateway.transport.server import read_body

log = structlog.get_logger()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NeedDocument(_Document):
    """What a site needs; see ``gateway.domain.reserving.Need``."""

    site: Name
    program: Text = ""
    energy_kwh: ExactNumber
    power_kw: ExactNumber
    start: Instant
    end: Instant
    least: Duration | None = None
    need_id: Name | None = None
    """None: one is made."""


class ReservationWish(_Document):
    """What shall be done at which utility; neither need nor withdrawal: only look."""

    utility: Name
    need: NeedDocument | None = None
    withdraw: Name | None = None
    """Id of a need."""


class GrantDocument(_Document):
    """What was granted."""

    event_id: Text
    state: Text
    start: Instant
    end: Instant
    energy_kwh: ExactNumber
    power_kw: ExactNumber


class ReservationDocument(_Document):
    """A need and what became of it."""

    need: NeedDocument
    state: ReservationState
    grants: tuple[GrantDocument, ...]


class ReservationsDocument(_Document):
    """Everything that was asked of a utility."""

    utility: Text
    need_id: Text = ""
    """Of the need that was taken just now."""
    reservations: tuple[ReservationDocument, ...]


@dataclass(frozen=True, slots=True)
class ReservationDesk:
    """Handles reservations.

    Args:
        sessions: Hands wishes to the sessions; None before they run.
        office: Clock, and the log that keeps who wanted what.
        ids: Makes ids of needs.
    """

    sessions: Callable[[], Sessions | None]
    office: Office
    ids: Ids

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the control socket offers of this."""
        return [web.post("/reservations", self._act)]

    async def _act(self, request: web.Request) -> web.Response:
        body = await read_body(request, self.office.clock, LARGEST)
        asked = read_document(ReservationWish, body)
        sessions, name = self.sessions(), UtilityName(asked.utility)
        if sessions is None:
            raise SessionError("REFUSED", "no session runs yet; try again in a moment")
        by = f"operator:{peer_name(request)}"
        wish = self._wish(asked, by)
        if wish is None:
            return answered(_document(name, sessions.reservations(name)))
        found = await sessions.reserve(name, wish)
        await self._note(name, wish, by)
        log.info("operator_reservation", utility=name, need=wish.need_id, by=by)
        return answered(_document(name, found, wish.need_id))

    def _wish(self, asked: ReservationWish, by: str) -> Need | Withdrawal | None:
        if asked.withdraw is not None:
            return Withdrawal(need_id=asked.withdraw)
        need = asked.need
        if need is None:
            return None
        return Need(
            need_id=need.need_id or self.ids.uuid(),
            site=SiteId(need.site),
            program=need.program,
            energy_kwh=need.energy_kwh,
            power_kw=need.power_kw,
            start=need.start,
            end=need.end,
            least=need.least,
            by=by,
        )

    async def _note(self, name: UtilityName, wish: Need | Withdrawal, by: str) -> None:
        """Keep who wanted it; the wish itself is stored with the session that took it."""
        word = "reservation_asked" if isinstance(wish, Need) else "reservation_withdrawn"

        def job(work: Work) -> None:
            document = {"word": word, "by": by, "utility": name, "need": wish.need_id}
            with turning(self.office, work, self.office.clock.now()) as turn:
                turn.log("audit", name, document)

        await self.office.store.write(job, Step.SCHEDULING)


def _document(
    name: UtilityName, found: Sequence[Reservation], need_id: str = ""
) -> ReservationsDocument:
    return ReservationsDocument(
        utility=name,
        need_id=need_id,
        reservations=tuple(
            ReservationDocument(
                need=_need(one.need), state=one.state, grants=tuple(map(_grant, one.grants))
            )
            for one in found
        ),
    )


def _need(need: Need) -> NeedDocument:
    return NeedDocument(
        need_id=need.need_id,
        site=need.site,
        program=need.program,
        energy_kwh=need.energy_kwh,
        power_kw=need.power_kw,
        start=need.start,
        end=need.end,
        least=need.least,
    )


def _grant(grant: Grant) -> GrantDocument:
    return GrantDocument(
        event_id=grant.event_id,
        state=grant.state,
        start=grant.start,
        end=grant.end,
        energy_kwh=grant.energy_kwh,
        power_kw=grant.power_kw,
    )
