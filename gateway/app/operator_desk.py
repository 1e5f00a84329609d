"""What an operator decides through the control socket, and the documents that travel."""

import pwd
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from gateway.app.control import LARGEST, answered, read_document
from gateway.domain.names import EventId, SiteId, UtilityName
from gateway.domain.participation import Opt
from gateway.domain.ports import Clock
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Instant
from gateway.pipeline.overrule import Overrule, Ruled, Ruling
from gateway.transport.server import read_body

_CREDENTIALS: Final = struct.Struct("3i")
"""``struct ucred``: process, user, group."""

log = structlog.get_logger()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wish(_Document):
    """How an event shall be answered."""

    event_id: Text
    opt: Opt
    reason: Name
    utility: Name | None = None
    sites: tuple[Name, ...] = ()
    dry_run: bool = False


class RuledDocument(_Document):
    """What a decision comes to at one site; see ``gateway.pipeline.overrule.Ruled``."""

    utility: Text
    event_id: Text
    version: int
    site: Text
    intent: Text
    start: Instant
    before: Opt | None
    before_reason: Text
    opt: Opt
    upstream_before: Opt | None
    upstream: Opt | None
    changed: bool
    apart: bool = False


class RulingDocument(_Document):
    """What was decided, or would be."""

    by: Text
    dry_run: bool
    ruled: tuple[RuledDocument, ...]


@dataclass(frozen=True, slots=True)
class OperatorDesk:
    """Handles decisions.

    Args:
        overrule: The pipeline's door.
        clock: Bounds slow requests.
    """

    overrule: Overrule
    clock: Clock

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the control socket offers of this."""
        return [web.post("/opt", self._opt)]

    async def _opt(self, request: web.Request) -> web.Response:
        wish = read_document(Wish, await read_body(request, self.clock, LARGEST))
        by = f"operator:{peer_name(request)}"
        ruling = Ruling(
            event_id=EventId(wish.event_id),
            opt=wish.opt,
            reason=wish.reason,
            by=by,
            utility=UtilityName(wish.utility) if wish.utility else None,
            sites=tuple(map(SiteId, wish.sites)),
        )
        act = self.overrule.preview if wish.dry_run else self.overrule.rule
        ruled = await act(ruling)
        if not wish.dry_run:
            log.info("operator_decided", event_id=wish.event_id, opt=wish.opt.value, by=by)
        found = tuple(map(_document, ruled))
        return answered(RulingDocument(by=by, dry_run=wish.dry_run, ruled=found))


def _document(one: Ruled) -> RuledDocument:
    return RuledDocument(
        utility=one.utility,
        event_id=one.event_id,
        version=one.version,
        site=one.site,
        intent=one.intent,
        start=one.start,
        before=one.before,
        before_reason=one.before_reason,
        opt=one.opt,
        upstream_before=one.upstream_before,
        upstream=one.upstream,
        changed=one.changed,
        apart=one.apart,
    )


def peer_name(request: web.Request) -> str:
    """Return who is at the other end of the socket, as the kernel says: nobody can write another's name."""
    end = request.transport.get_extra_info("socket") if request.transport else None
    option = getattr(socket, "SO_PEERCRED", None)
    if end is None or option is None:
        return "owner"  # only the owner of data_dir can open the socket
    raw = end.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
