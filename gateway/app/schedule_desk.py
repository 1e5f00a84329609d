"""What an operator says ahead through the control socket, and the documents that travel."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from gateway.app.control import LARGEST, answered, read_document
from gateway.app.operator_desk import peer_name
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt
from gateway.domain.ports import Clock, Ids
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Instant
from gateway.pipeline.scheduling import Scheduling
from gateway.transport.server import read_body

log = structlog.get_logger()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowDocument(_Document):
    """A stretch of time, half-open."""

    start: Instant
    end: Instant | None = None
    """None: until the schedule is cancelled."""


class ScheduleWish(_Document):
    """What shall be said ahead."""

    utility: Name
    opt: Opt
    reason: Name
    windows: tuple[WindowDocument, ...]
    sites: tuple[Name, ...] = ()
    program: Text = ""
    device_class: Text = ""
    opt_id: Name | None = None
    """None: one is made."""
    dry_run: bool = False


class CancelWish(_Document):
    """Which schedule shall be taken back."""

    opt_id: Name


class ScheduleDocument(_Document):
    """One schedule; see ``gateway.domain.opting.OptSchedule``."""

    opt_id: Text
    utility: Text
    opt: Opt
    reason: Text
    windows: tuple[WindowDocument, ...]
    sites: tuple[Text, ...]
    program: Text
    device_class: Text
    created_at: Instant
    by: Text
    cancelled_at: Instant | None


class ScheduledDocument(_Document):
    """What was scheduled, or would be, and what it replaces."""

    dry_run: bool
    schedule: ScheduleDocument
    replaces: tuple[ScheduleDocument, ...]


@dataclass(frozen=True, slots=True)
class ScheduleDesk:
    """Handles schedules.

    Args:
        scheduling: The pipeline's door.
        clock: Stamps, and bounds slow requests.
        ids: Makes optIDs.
    """

    scheduling: Scheduling
    clock: Clock
    ids: Ids

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the control socket offers of this."""
        return [
            web.post("/opt/schedules", self._create),
            web.post("/opt/schedules/cancel", self._cancel),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        wish = read_document(ScheduleWish, await read_body(request, self.clock, LARGEST))
        by = f"operator:{peer_name(request)}"
        wanted = OptSchedule(
            opt_id=wish.opt_id or self.ids.uuid(),
            utility=UtilityName(wish.utility),
            opt=wish.opt,
            reason=wish.reason,
            windows=tuple(Window(start=each.start, end=each.end) for each in wish.windows),
            sites=tuple(dict.fromkeys(map(SiteId, wish.sites))),
            program=wish.program,
            device_class=wish.device_class,
            created_at=self.clock.now(),
            by=by,
        )
        act = self.scheduling.preview if wish.dry_run else self.scheduling.create
        done = await act(wanted)
        if not wish.dry_run:
            log.info("operator_scheduled", opt_id=wanted.opt_id, opt=wish.opt.value, by=by)
        document = ScheduledDocument(
            dry_run=wish.dry_run,
            schedule=schedule_document(done.schedule),
            replaces=tuple(map(schedule_document, done.replaces)),
        )
        return answered(document, 200 if wish.dry_run else 201)

    async def _cancel(self, request: web.Request) -> web.Response:
        wish = read_document(CancelWish, await read_body(request, self.clock, LARGEST))
        by = f"operator:{peer_name(request)}"
        gone = await self.scheduling.cancel(wish.opt_id, by)
        log.info("operator_unscheduled", opt_id=gone.opt_id, by=by)
        return answered(schedule_document(gone))


def schedule_document(schedule: OptSchedule) -> ScheduleDocument:
    """Return the document of a schedule."""
    return ScheduleDocument(
        opt_id=schedule.opt_id,
        utility=schedule.utility,
        opt=schedule.opt,
        reason=schedule.reason,
        windows=tuple(WindowDocument(start=w.start, end=w.end) for w in schedule.windows),
        sites=schedule.sites,
        program=schedule.program,
        device_class=schedule.device_class,
        created_at=schedule.created_at,
        by=schedule.by,
        cancelled_at=schedule.cancelled_at,
    )
