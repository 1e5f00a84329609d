"""What an operator orders about registrations through the control socket, and the documents that travel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from gateway.app.control import LARGEST, answered, read_document
from gateway.app.operator_desk import peer_name
from gateway.app.sessions import Sessions
from gateway.domain.errors import SessionError
from gateway.domain.names import UtilityName
from gateway.domain.points import Step
from gateway.domain.registering import Order, Standing
from gateway.domain.text import Name, Text
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.turning import turning
from gateway.transport.server import read_body

log = structlog.get_logger()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RegistrationWish(_Document):
    """What shall be done, and with whose registration; ``order`` absent: nothing, only look."""

    utility: Name
    order: Order | None = None


class StandingDocument(_Document):
    """How a registration stands; see ``gateway.domain.registering.Standing``."""

    utility: Text
    state: Text
    registration_id: Text
    ven_id: Text
    vtn_id: Text
    poll_every: timedelta | None
    retry_at: Text


@dataclass(frozen=True, slots=True)
class RegistrationDesk:
    """Handles registrations.

    Args:
        sessions: Hands orders to the sessions; None before they run.
        office: Clock, and the log that keeps who ordered what.
    """

    sessions: Callable[[], Sessions | None]
    office: Office

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the control socket offers of this."""
        return [web.post("/registration", self._act)]

    async def _act(self, request: web.Request) -> web.Response:
        body = await read_body(request, self.office.clock, LARGEST)
        wish = read_document(RegistrationWish, body)
        sessions, name = self.sessions(), UtilityName(wish.utility)
        if sessions is None:
            raise SessionError("REFUSED", "no session runs yet; try again in a moment")
        if wish.order is None:
            return answered(_document(name, sessions.standing(name)))
        by = f"operator:{peer_name(request)}"
        standing = await sessions.order(name, wish.order)
        await self._note(name, wish.order, by)
        log.info("operator_registration", utility=name, order=wish.order.value, by=by)
        return answered(_document(name, standing))

    async def _note(self, name: UtilityName, order: Order, by: str) -> None:
        """Keep who ordered it; the order itself is stored with the session that took it."""

        def job(work: Work) -> None:
            word = f"registration_{order.value}"
            with turning(self.office, work, self.office.clock.now()) as turn:
                turn.log("audit", name, {"word": word, "by": by, "utility": name})

        await self.office.store.write(job, Step.SCHEDULING)


def _document(name: UtilityName, standing: Standing) -> StandingDocument:
    return StandingDocument(
        utility=name,
        state=standing.state,
        registration_id=standing.registration_id,
        ven_id=standing.ven_id,
        vtn_id=standing.vtn_id,
        poll_every=standing.poll_every,
        retry_at=standing.retry_at,
    )
