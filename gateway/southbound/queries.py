"""What a site may read: intents, its plan, its statements."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from aiohttp import web

from gateway.domain.canonical import canonical
from gateway.domain.errors import SessionError
from gateway.domain.names import IntentId
from gateway.domain.plan import EffectivePlan
from gateway.domain.settlement import SettlementStatement
from gateway.domain.signed import signed_part
from gateway.intents.envelope import document_of
from gateway.pipeline.ports import Work
from gateway.pipeline.records import OutboxItem
from gateway.southbound.access import Access, Caller, named, not_found
from gateway.southbound.parts import Parts
from gateway.southbound.positions import number, signed_document, timely, usable

LONGEST_WAIT_S: Final = 50
"""Below the 60 s after which proxies give up."""
LARGEST_PAGE: Final = 1000
LARGEST_CURSOR: Final = 2**53 - 1


class Queries:
    """Handlers that change nothing.

    Args:
        parts: What the app stands on.
        access: Counts long polls.
    """

    def __init__(self, parts: Parts, access: Access) -> None:
        self._parts = parts
        self._access = access

    async def list_intents(self, request: web.Request, caller: Caller) -> web.Response:
        """Return what follows a cursor, waiting for the first one when asked to."""
        after = number(request, "after", 0, LARGEST_CURSOR)
        limit = max(1, number(request, "limit", 100, LARGEST_PAGE))
        wait_s = number(request, "wait", 0, LONGEST_WAIT_S)
        clock, bells = self._parts.clock, self._parts.bells
        until = clock.now() + timedelta(seconds=wait_s)
        with self._access.waiting(caller):
            while True:
                seen = bells.rings(caller.site)
                page = await self._page(caller, after, limit)
                after = page[-1].sequence if page else after
                # A last look: what waited too long is passed over, and the wait goes on behind it (R-OUT-1).
                fit = [item for item in page if timely(item, clock.now())]
                if fit or clock.now() >= until or bells.closed:
                    for item in fit:
                        self._parts.delivered(item, "poll")
                    return _page_answer(fit, after)
                if not page:
                    await bells.wait(caller.site, seen, until)

    async def _page(self, caller: Caller, after: int, limit: int) -> Sequence[OutboxItem]:
        def job(work: Work) -> Sequence[OutboxItem]:
            if after and not usable(work, caller.site, after):
                raise SessionError("CURSOR", "this cursor is older than what is kept, or not ours")
            return work.outbox.after(caller.site, after, limit, "intent")

        return await self._parts.store.read(job)

    async def read_intent(self, request: web.Request, caller: Caller) -> web.Response:
        """Return one intent as it stands."""
        intent_id = IntentId(named(request, "intent"))
        record = await self._parts.store.read(lambda work: work.intents.get(intent_id))
        if record is None or record.intent.site != caller.site:
            raise not_found()
        return _json(canonical(signed_document(record.intent, self._parts.signer.detached)))

    async def read_plan(self, request: web.Request, caller: Caller) -> web.Response:
        """Return the newest plan, or 304 when the caller has it.

        Raises:
            SessionError: ``NO_PLAN``.
        """
        plan = await self._parts.store.read(lambda work: work.plans.get(caller.site))
        if plan is None:
            raise SessionError("NO_PLAN", "no plan was made for this site yet")
        tag = plan_tag(plan)
        headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
        if any(each.value in (tag, "*") for each in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return _json(canonical(document_of(plan)), headers)

    async def list_statements(self, request: web.Request, caller: Caller) -> web.Response:
        """Return the newest version of each of the site's statements, a page at a time.

        Raises:
            SessionError: ``CURSOR``.
        """
        limit = max(1, number(request, "limit", 100, LARGEST_PAGE))
        found = await self._parts.store.read(lambda work: work.statements.of_site(caller.site))
        after = request.query.get("after")
        places = {statement.id: place + 1 for place, statement in enumerate(found)}
        if after is not None and after not in places:
            raise SessionError("CURSOR", "there is no such statement to go on after")
        begin = places[after] if after is not None else 0
        page = found[begin : begin + limit]
        more = page[-1].id if page and begin + limit < len(found) else None
        items = b",".join(_statement(statement) for statement in page)
        return _json(b'{"items":[%s],"next":%s}' % (items, canonical(more)))

    async def read_statement(self, request: web.Request, caller: Caller) -> web.Response:
        """Return one version of one statement: the newest, or an earlier one that it corrects."""
        statement_id = named(request, "statement")
        version = number(request, "version", 0, LARGEST_CURSOR) or None
        found = await self._parts.store.read(
            lambda work: work.statements.get(statement_id, version)
        )
        if found is None or found.site != caller.site:
            raise not_found()
        return _json(_statement(found))


def plan_tag(plan: EffectivePlan) -> str:
    """Return a plan's strong entity tag, without quotes: revision and the start of its digest."""
    whole = hashlib.sha256(signed_part(document_of(plan))).hexdigest()
    return f"r{plan.revision}-{whole[:8]}"


def _page_answer(page: Sequence[OutboxItem], cursor: int) -> web.Response:
    items = b",".join(item.body for item in page)
    return _json(b'{"items":[%s],"next":"%d"}' % (items, cursor))


def _statement(statement: SettlementStatement) -> bytes:
    return statement.model_dump_json(by_alias=True).encode()


def _json(body: bytes, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=body,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
