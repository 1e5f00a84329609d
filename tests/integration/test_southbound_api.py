"""The southbound interface over real loopback sockets: reading, answering, refusing."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from time import process_time, thread_time
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from gateway.client.clock import SystemClock
from gateway.domain.names import IntentId, SiteId
from gateway.domain.settlement import Correction, CorrectionReason
from gateway.domain.signed import document_digest, signed_part
from gateway.southbound.examples import EXAMPLES
from gateway.southbound.parts import Pace
from gateway.southbound.routes import ROUTES
from gateway.southbound.tokens import EVENTS_READ
from gateway.southbound.verify import verified
from tests.effort import TRIES, uncollected
from tests.southbound_fakes import (
    OTHER,
    PHX,
    SmallGateway,
    sample_intent,
    sample_plan,
    sample_statement,
)


@dataclass
class Desk:
    """A served gateway and a session that speaks to it as phx-1."""

    gateway: SmallGateway
    http: aiohttp.ClientSession
    url: str

    async def get(self, path: str, **headers: str) -> tuple[int, Any, CIMultiDictProxy[str]]:
        async with self.http.get(self.url + path, headers=headers) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if body else None, answer.headers

    async def post(
        self, path: str, body: bytes | dict[str, Any], **headers: str
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        async with self.http.post(
            self.url + path, data=io.BytesIO(data), headers=headers
        ) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    gateway = SmallGateway(SystemClock(), Pace(burst=10_000))
    token = gateway.token()
    gateway.token(OTHER)
    bearer = {"Authorization": f"Bearer {token}"}
    async with gateway.serve() as listener, aiohttp.ClientSession(headers=bearer) as http:
        yield Desk(gateway, http, listener.url)


def now(desk: Desk) -> Any:
    return desk.gateway.clock.now().replace(microsecond=0)


async def test_intents_are_paged_by_cursor(desk: Desk) -> None:
    for n in range(5):
        desk.gateway.send_intent(sample_intent(now(desk), intent_id=f"i{n}"))
        desk.gateway.send_plan(sample_plan(now(desk), revision=n + 1))

    seen, after = [], "0"
    while True:
        status, page, _ = await desk.get(f"/v1/intents?site={PHX}&after={after}&limit=2")
        assert status == 200
        if not page["items"]:
            break
        seen += [event["data"]["id"] for event in page["items"]]
        after = page["next"]

    assert seen == [f"i{n}" for n in range(5)]
    assert page == {"items": [], "next": after}


async def test_a_long_poll_returns_with_the_first_intent(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.get("/v1/intents?wait=50"))
    while not desk.gateway.store.reads:  # noqa: ASYNC110 - the store has no event to wait for
        await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
    desk.gateway.send_intent(sample_intent(now(desk)))

    status, page, _ = await waiting

    assert (status, len(page["items"])) == (200, 1)
    assert page["items"][0]["id"] == "intent-1_1"


async def test_a_long_poll_without_news_ends_with_the_same_cursor(desk: Desk) -> None:
    desk.gateway.send_plan(sample_plan(now(desk)))
    assert (await desk.get("/v1/intents?wait=1&after=1"))[1] == {"items": [], "next": "1"}


async def test_a_cursor_older_than_what_is_kept_is_told_so(desk: Desk) -> None:
    for n in range(4):
        desk.gateway.send_intent(sample_intent(now(desk), intent_id=f"i{n}"))
    desk.gateway.store.work.outbox.forget(PHX, 2)

    assert (await desk.get("/v1/intents?after=1"))[0] == 410
    assert (await desk.get("/v1/intents?after=2"))[0] == 200
    assert (await desk.get("/v1/intents?after=5"))[1]["reason"] == "CURSOR"


async def test_one_intent_is_served_as_it_stands_and_its_signature_holds(desk: Desk) -> None:
    desk.gateway.send_intent(sample_intent(now(desk)))

    status, document, _ = await desk.get("/v1/intents/intent-1")
    keys = (await desk.get("/v1/jwks.json"))[1]

    assert (status, document["id"]) == (200, "intent-1")
    assert verified(signed_part(document), document["signature"], keys)
    assert not verified(signed_part({**document, "priority": 0}), document["signature"], keys)


async def test_a_plan_at_hand_is_not_sent_again(desk: Desk) -> None:
    assert (await desk.get(f"/v1/sites/{PHX}/plan"))[1]["reason"] == "NO_PLAN"
    plan = desk.gateway.send_plan(sample_plan(now(desk), revision=3))

    status, document, headers = await desk.get(f"/v1/sites/{PHX}/plan")
    tag = headers["ETag"]

    assert (status, document["revision"]) == (200, 3)
    assert tag == f'"r3-{document_digest(document)[:8]}"'
    assert document["signature"] == plan.signature
    for given in (tag, f'"other", {tag}', "*"):
        assert (await desk.get(f"/v1/sites/{PHX}/plan", **{"If-None-Match": given}))[0] == 304
    desk.gateway.send_plan(sample_plan(now(desk), revision=4))
    assert (await desk.get(f"/v1/sites/{PHX}/plan", **{"If-None-Match": tag}))[0] == 200


BODIES = {
    route.operation: (route.path, EXAMPLES[route.body])
    for route in ROUTES
    if route.body is not None
}
ANSWERS = {name: body for name, body in BODIES.items() if not name.endswith("_webhook")}
"""What a site says about its intents and itself; orders about webhooks have tests of their own."""


def path_of(template: str, *, intent: str = "intent-1", site: str = PHX) -> str:
    return template.format(intent=intent, site=site, statement=intent, webhook=intent)


@pytest.mark.parametrize("operation", ANSWERS)
async def test_the_same_post_three_times_has_one_effect(desk: Desk, operation: str) -> None:
    intent = desk.gateway.send_intent(sample_intent(now(desk)))
    template, body = ANSWERS[operation]

    answers = [await desk.post(path_of(template), body) for _ in range(3)]

    assert [status for status, _ in answers] == [200, 200, 200]
    if operation != "post_heartbeat":
        assert answers[0] == answers[1] == answers[2] == (200, {"status": "stored"})
        assert len(desk.gateway.desk.effects) == (operation != "post_ack")
        acked = [item.acked_at for item in desk.gateway.store.work.outbox.items]
        assert (acked[0] is not None) == (operation == "post_ack")
    assert intent.revision == 1


async def test_other_content_under_the_same_batch_id_is_a_conflict(desk: Desk) -> None:
    template, body = ANSWERS["post_telemetry"]
    await desk.post(path_of(template), body)

    status, problem = await desk.post(path_of(template), {**body, "clock_offset_ms": 3})

    assert (status, problem["reason"]) == (409, "CONFLICT")
    assert len(desk.gateway.desk.batches) == 1


HOSTILE = {
    "duplicate key": (b'{"revision":1,"revision":2}', 400, "DUPLICATE_KEY"),
    "NaN": (b'{"revision":NaN}', 400, "INVALID_NUMBER"),
    "infinity": (b'{"revision":-Infinity}', 400, "INVALID_NUMBER"),
    "1e999": (b'{"revision":1e999}', 400, "INVALID_NUMBER"),
    "a number of 30 digits": (b'{"revision":' + b"9" * 30 + b"}", 400, "INVALID_NUMBER"),
    "an integer beyond 2^53": (b'{"revision":9007199254740993}', 400, "INVALID_NUMBER"),
    "a float of 300 digits": (b'{"revision":1e300}', 400, "INVALID_NUMBER"),
    "U+0000": (b'{"revision":1,"reason":"a\\u0000b"}', 422, "INVALID_TEXT"),
    "a lone surrogate": (b'{"reason":"\\ud800"}', 422, "INVALID_TEXT"),
    "a key with U+0000": (b'{"a\\u0000":1}', 422, "INVALID_TEXT"),
    "a key outside ASCII": ('{"größe":1}'.encode(), 422, "INVALID_TEXT"),
    "no JSON": (b"{", 400, "MALFORMED_JSON"),
    "nothing": (b"", 400, "MALFORMED_JSON"),
    "no UTF-8": (b'{"a":"\xff"}', 400, "MALFORMED_JSON"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), 400, "MALFORMED_JSON"),
    "a byte order mark": (b'\xef\xbb\xbf{"a":1}', 400, "MALFORMED_JSON"),
    "40 levels": (b"[" * 40 + b"]" * 40, 400, "MALFORMED_JSON"),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, 400, "MALFORMED_JSON"),
    "a list": (b"[]", 422, "INVALID_BODY"),
    "null": (b"null", 422, "INVALID_BODY"),
    "too large": (b'{"a":"' + b"x" * (1 << 20) + b'"}', 413, "TOO_LARGE"),
}


@pytest.mark.parametrize("operation", ANSWERS)
@pytest.mark.parametrize("case", HOSTILE)
async def test_hostile_json_is_refused_and_the_next_message_works(
    desk: Desk, operation: str, case: str
) -> None:
    desk.gateway.send_intent(sample_intent(now(desk)))
    template, good = ANSWERS[operation]
    body, status, reason = HOSTILE[case]

    with uncollected():
        before = process_time()
        found, problem = await desk.post(path_of(template), body)
        spent = process_time() - before

    assert (found, problem["reason"]) == (status, reason)
    assert problem["type"].startswith("urn:gridgate:problem:")
    assert spent < 1.0  # of all threads; usual is a hundredth of it
    assert not desk.gateway.desk.calls
    assert not desk.gateway.desk.heartbeats
    assert not desk.gateway.desk.acks
    assert (await desk.post(path_of(template), good))[0] == 200


WRONG_FIELDS: dict[str, dict[str, Any]] = {
    "unknown field": {"surprise": 1},
    "text for a number": {"revision": "1", "plan_revision": "1", "clock_offset_ms": "1"},
    "true for a number": {"revision": True, "plan_revision": True, "clock_offset_ms": True},
    "a number for a decimal": {
        "steps": [{"start": "2025-05-03T23:30:00Z", "duration": "PT1H", "kw": 71.13}],
        "measured_kw": 70.4,
        "delivered_kwh": 211.2,
        "samples": [
            {
                "meter": "it_load",
                "start": "2025-05-03T23:30:00Z",
                "duration": "PT1M",
                "energy_kwh": 1.5,
            }
        ],
        "digest": 5,
        "detail": 5,
        "software": 5,
    },
    "1e1000000": {
        "steps": [{"start": "2025-05-03T23:30:00Z", "duration": "PT1H", "kw": "1e1000000"}],
        "measured_kw": "1e1000000",
        "delivered_kwh": "1e1000000",
        "samples": [
            {
                "meter": "it_load",
                "start": "2025-05-03T23:30:00Z",
                "duration": "PT1M",
                "energy_kwh": "1e1000000",
            }
        ],
        "revision": "1e1000000",
        "plan_revision": "1e1000000",
    },
    "a time out of range": {
        "received_at": "9999-12-31T23:00:00-01:00",
        "at": "9999-12-31T23:00:00-01:00",
        "recovered_at": "9999-12-31T23:00:00-01:00",
        "earliest_start": "9999-12-31T23:00:00-01:00",
        "revision": 0,
        "samples": [
            {
                "meter": "it_load",
                "start": "2025-05-03T23:30:00Z",
                "duration": "P9999Y",
                "energy_kwh": "1",
            }
        ],
    },
}


@pytest.mark.parametrize("operation", ANSWERS)
@pytest.mark.parametrize("case", WRONG_FIELDS)
async def test_wrong_fields_are_named_by_pointer(desk: Desk, operation: str, case: str) -> None:
    desk.gateway.send_intent(sample_intent(now(desk)))
    template, good = ANSWERS[operation]
    wrong = WRONG_FIELDS[case]
    known = wrong if case == "unknown field" else {k: v for k, v in wrong.items() if k in good}
    if case == "a time out of range" and operation == "post_heartbeat":
        known = {"at": wrong["at"]}
    assert known

    status, problem = await desk.post(path_of(template), {**good, **known})

    assert (status, problem["reason"]) == (422, "INVALID_BODY")
    assert {fault["pointer"].split("/")[1] for fault in problem["errors"]} == set(known)
    assert not desk.gateway.desk.calls
    assert not desk.gateway.desk.heartbeats
    assert not desk.gateway.desk.acks


async def test_a_batch_of_5000_samples_does_not_occupy_the_loop(desk: Desk) -> None:
    template, good = ANSWERS["post_telemetry"]
    many = {**good, "samples": good["samples"] * 5000}

    async def occupied() -> float:
        """Return the longest that the loop was busy at once, in its thread's processor time."""
        longest, done = 0.0, False

        async def watch() -> None:
            nonlocal longest
            last = thread_time()
            while not done:
                await asyncio.sleep(0.001)  # noqa: TID251 - measures how long the loop is occupied
                longest, last = max(longest, thread_time() - last), thread_time()

        watching = asyncio.create_task(watch())
        assert (await desk.post(path_of(template), many))[0] == 200
        done = True
        await watching
        return longest

    least = 1.0
    for _ in range(TRIES):
        with uncollected():
            least = min(least, await occupied())
        if least < 0.1:
            break
    assert least < 0.1

    too_many = {**good, "samples": good["samples"] * 5001}
    assert (await desk.post(path_of(template), too_many))[0] == 422


async def test_a_heartbeat_names_at_most_1000_intents(desk: Desk) -> None:
    template, good = ANSWERS["post_heartbeat"]
    many = {**good, "known": {f"i{n}": 1 for n in range(1001)}}

    status, problem = await desk.post(path_of(template), many)

    assert (status, problem["errors"][0]["pointer"]) == (422, "/known")


async def test_only_plain_json_is_read(desk: Desk) -> None:
    template, good = ANSWERS["post_telemetry"]
    path, body = path_of(template), json.dumps(good).encode()

    assert (await desk.post(path, body, **{"Content-Type": "text/plain"}))[0] == 415
    assert (await desk.post(path, body, **{"Content-Encoding": "x-own"}))[0] == 415
    assert (await desk.post(path, body, **{"Content-Encoding": "gzip, gzip"}))[0] == 415
    charset = "application/json; charset=utf-8"
    assert (await desk.post(path, body, **{"Content-Type": charset}))[0] == 200


def anonymous(problem: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in problem.items() if k not in ("instance", "trace_id")}


@pytest.mark.parametrize("route", [r for r in ROUTES if r.scope], ids=lambda r: str(r.operation))
async def test_what_is_another_sites_looks_like_what_is_missing(desk: Desk, route: Any) -> None:
    desk.gateway.send_intent(sample_intent(now(desk), intent_id="theirs", site=OTHER))
    desk.gateway.send_plan(sample_plan(now(desk), site=OTHER))
    if "{" not in route.path:
        theirs, missing = f"{route.path}?site={OTHER}", f"{route.path}?site=nowhere"
    else:
        theirs = path_of(route.path, intent="theirs", site=OTHER)
        missing = path_of(route.path, intent="nothing", site="nowhere")

    async def ask(path: str) -> tuple[int, dict[str, Any]]:
        if route.body is None:
            status, problem, _ = await desk.get(path)
            return status, problem
        return await desk.post(path, BODIES[route.operation][1])

    first, second = await ask(theirs), await ask(missing)

    assert (first[0], first[1]["reason"]) == (404, "NOT_FOUND")
    assert (first[0], anonymous(first[1])) == (second[0], anonymous(second[1]))
    assert not desk.gateway.desk.calls
    assert not desk.gateway.desk.heartbeats


@pytest.mark.parametrize("path", ["/v1/intents/%00", "/v1/intents/" + "x" * 300])
async def test_a_path_that_can_be_nobodys_id_is_missing(desk: Desk, path: str) -> None:
    status, problem, _ = await desk.get(path)
    assert (status, problem["reason"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=51", "limit=1001", "after=٣"])
async def test_a_query_that_is_no_number_is_refused(desk: Desk, query: str) -> None:
    status, problem, _ = await desk.get(f"/v1/intents?{query}")
    assert (status, problem["reason"]) == (422, "INVALID_QUERY")


@pytest.mark.parametrize("route", [r for r in ROUTES if r.scope], ids=lambda r: str(r.operation))
async def test_every_route_asks_for_a_token_in_force(desk: Desk, route: Any) -> None:
    tokens = desk.gateway.store.work.tokens
    clock = desk.gateway.clock
    desk.gateway.token(secret="revoked")
    tokens.revoke("revoked", clock.now())
    reader = desk.gateway.token(secret="reader", scopes=(EVENTS_READ,))
    writer = desk.gateway.token(secret="writer", scopes=("ack:write", "telemetry:write"))
    wrong_scope = writer if route.scope == EVENTS_READ else reader
    cases = {
        "": (401, "NO_TOKEN"),
        "Basic eDp5": (401, "NO_TOKEN"),
        "Bearer": (401, "NO_TOKEN"),
        "Bearer nobody": (401, "BAD_TOKEN"),
        "Bearer " + "x" * 600: (401, "BAD_TOKEN"),
        "Bearer revoked": (401, "BAD_TOKEN"),
        f"Bearer {wrong_scope}": (403, "SCOPE"),
    }
    for header, (status, reason) in cases.items():
        method = desk.http.post if route.body else desk.http.get
        async with method(
            desk.url + path_of(route.path), headers={"Authorization": header}
        ) as answer:
            problem = await answer.json(content_type="application/problem+json")
            assert (answer.status, problem["reason"]) == (status, reason)
            assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="gridgate"')


async def test_a_token_expires_at_its_instant(desk: Desk) -> None:
    tokens = desk.gateway.store.work.tokens
    kept = tokens.records[0]
    expired = desk.gateway.clock.now() - timedelta(seconds=1)
    tokens.records[0] = type(kept)(
        name=kept.name,
        sha256=kept.sha256,
        site=SiteId(kept.site),
        scopes=kept.scopes,
        created_at=kept.created_at,
        expires_at=expired,
    )
    assert (await desk.get("/v1/intents"))[0] == 401


async def test_a_store_that_refuses_is_told_as_busy_without_its_reason(desk: Desk) -> None:
    desk.gateway.store.broken = True

    status, problem, headers = await desk.get("/v1/intents")

    assert (status, problem["reason"], headers["Retry-After"]) == (503, "BUSY", "1")
    assert "secret" not in json.dumps(problem)
    desk.gateway.store.broken = False
    assert (await desk.get("/v1/intents"))[0] == 200


async def test_aiohttps_own_refusals_are_problems_too(desk: Desk) -> None:
    status, problem, headers = await desk.get("/v2/other")
    assert (status, problem["reason"]) == (404, "NO_ROUTE")
    assert headers["Content-Type"] == "application/problem+json"
    async with desk.http.delete(desk.url + "/v1/intents") as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["reason"]) == (405, "METHOD")
        assert answer.headers["Allow"] == "GET"


async def test_the_callers_trace_is_kept(desk: Desk) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "r-1"}

    _, problem, answered = await desk.get("/v1/intents/none", **headers)

    assert problem["trace_id"] == trace
    assert answered["X-Request-Id"] == "r-1"
    assert answered["Link"] == '</openapi.json>; rel="service-desc"'


async def test_queries_and_telemetry_are_limited_and_answers_are_not() -> None:
    gateway = SmallGateway(SystemClock(), Pace(per_s=0.001, burst=3))
    bearer = {"Authorization": f"Bearer {gateway.token()}"}
    async with gateway.serve() as listener, aiohttp.ClientSession(headers=bearer) as http:
        desk = Desk(gateway, http, listener.url)
        gateway.send_intent(sample_intent(now(desk)))
        statuses = [(await desk.get("/v1/intents"))[0] for _ in range(4)]
        template, body = ANSWERS["post_commitment"]
        answered = [(await desk.post(path_of(template), body))[0] for _ in range(6)]

    assert statuses == [200, 200, 200, 429]
    assert answered == [200] * 6


async def test_statements_are_paged_and_only_the_sites_own(desk: Desk) -> None:
    statements = desk.gateway.store.work.statements
    for n in range(5):
        statements.put(sample_statement(f"s{n}"))
    statements.put(sample_statement("theirs", site=OTHER))

    seen, path = [], "/v1/statements?limit=2"
    while path:
        status, page, _ = await desk.get(path)
        assert status == 200
        seen += [statement["id"] for statement in page["items"]]
        path = page["next"] and f"/v1/statements?limit=2&after={page['next']}"

    assert seen == [f"s{n}" for n in range(5)]
    assert (await desk.get("/v1/statements/s3"))[1]["id"] == "s3"
    assert (await desk.get("/v1/statements/theirs"))[0] == 404
    assert (await desk.get("/v1/statements?after=theirs"))[1]["reason"] == "CURSOR"


async def test_the_newest_version_of_a_statement_is_shown_and_earlier_ones_by_number(
    desk: Desk,
) -> None:
    first = sample_statement("s")
    correction = Correction(corrects=1, sha256="0" * 64, reason=CorrectionReason.LATE_DATA)
    second = first.model_copy(update={"version": 2, "correction": correction})
    for one in (first, second):
        desk.gateway.store.work.statements.put(one)

    shown = (await desk.get("/v1/statements/s"))[1]
    assert (shown["version"], shown["correction"]["corrects"]) == (2, 1)
    (listed,) = (await desk.get("/v1/statements"))[1]["items"]
    assert listed == shown
    earlier = (await desk.get("/v1/statements/s?version=1"))[1]
    assert earlier["version"] == 1
    assert "correction" not in earlier
    assert (await desk.get("/v1/statements/s?version=3"))[0] == 404
    assert (await desk.get("/v1/statements/s?version=x"))[1]["reason"] == "INVALID_QUERY"


async def test_readiness_names_what_is_wrong(desk: Desk) -> None:
    words = {"store": "", "clock": "the clock is 40 s off"}

    async def store() -> str:
        return words["store"]

    async def clock() -> str:
        return words["clock"]

    desk.gateway.checks |= {"store": store, "clock": clock}
    status, health, _ = await desk.get("/health/ready")
    assert (status, health["status"]) == (503, "not_ready")
    assert health["checks"] == {"store": "ok", "clock": "the clock is 40 s off"}
    words["clock"] = ""
    assert (await desk.get("/health/ready"))[0] == 200


async def test_a_bug_becomes_a_500_without_its_story_and_the_next_request_works(
    desk: Desk,
) -> None:
    async def broken() -> str:
        raise RuntimeError("secret")

    desk.gateway.checks["broken"] = broken
    status, problem, _ = await desk.get("/health/ready")
    assert (status, problem["reason"]) == (500, "INTERNAL")
    assert "secret" not in json.dumps(problem)
    assert (await desk.get("/health/live"))[0] == 200


async def test_health_and_figures(desk: Desk) -> None:
    assert (await desk.get("/health/live"))[:2] == (200, {"status": "ok", "checks": {}})
    assert (await desk.get("/health/ready"))[0] == 200
    await desk.get("/v1/intents/none")
    async with desk.http.get(desk.url + "/metrics") as answer:
        text = await answer.text()
    assert 'gateway_southbound_requests_total{operation="read_intent",status="404"} 1.0' in text


async def test_an_intent_of_the_store_is_found_by_its_typed_id(desk: Desk) -> None:
    sent = desk.gateway.send_intent(sample_intent(now(desk)))
    record = desk.gateway.store.work.intents.get(IntentId(sent.id))
    assert record is not None
    assert record.intent == sent
