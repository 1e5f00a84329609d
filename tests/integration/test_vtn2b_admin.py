"""The operator's interface of a played utility: everything it offers, and what it refuses."""

import json
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from openapi_spec_validator import validate

from conformance.admin2b.app import admin_app
from conformance.admin2b.openapi import openapi_document
from conformance.admin2b.operator import Operator
from conformance.admin2b.routes import ROUTES
from conformance.peers.vtn2b import UtilityPeer
from gateway.client.clock import SystemClock
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EiTarget,
    Message,
    OadrCanceledPartyRegistration,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreatedEvent,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrPoll,
    OadrRegisterReport,
    OadrRequestReregistration,
    OadrResponse,
    OptType,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.protocols.oadr2b.vtn_records import EventRecord
from gateway.servers.vtn2b.sql import SqlStore
from gateway.transport.server import listen
from tests.vtn_story import (
    CONTEXT,
    HOUR,
    MINUTE,
    ONE,
    T0,
    only,
    response,
    usage_metadata,
    usage_update,
)
from tests.vtn_wire import CODEC, WireVen, serving, visiting

TOKEN = "a token for tests only"
EVENT: dict[str, Any] = {
    "id": "e1",
    "market_context": CONTEXT,
    "start": "2041-07-01T20:00:00Z",
    "signals": [
        {
            "name": "LOAD_DISPATCH",
            "type": "setpoint",
            "unit": "MW",
            "intervals": [{"duration": "PT1H", "value": 300}, {"duration": "PT1H", "value": "0.5"}],
        }
    ],
}
CHANGE = {name: part for name, part in EVENT.items() if name != "id"}


@dataclass
class Desk:
    """An operator at work."""

    http: aiohttp.ClientSession
    url: str
    utility: UtilityPeer

    async def ask(
        self, method: str, path: str, body: object = None, status: int = 200, **query: str
    ) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.http.request(
            method, self.url + path, json=body, headers=headers, params=query
        ) as answer:
            text = await answer.text()
            assert answer.status == status, text
        if status >= 400:
            assert answer.content_type == "application/problem+json"
        if answer.content_type == "application/x-ndjson":
            return [json.loads(line) for line in text.splitlines()]
        return json.loads(text)


@asynccontextmanager
async def desk(store: Path | None = None, **options: Any) -> AsyncIterator[Desk]:
    clock = SystemClock()
    arguments: dict[str, Any] = {"options": VtnOptions(vtn_id="utility", **options)}
    if store is not None:
        arguments["store"] = SqlStore(store, CODEC)
    async with serving(None, transcript=1000, **arguments) as utility:
        operator = Operator(utility, clock, "utility", "run")
        listener = await listen(admin_app(operator, clock, TOKEN), "127.0.0.1", 0, None)
        try:
            async with aiohttp.ClientSession() as http:
                yield Desk(http, listener.url, utility)
        finally:
            await listener.stop()


async def answered(ven: WireVen, event_id: str, version: int, opt: OptType) -> None:
    message = OadrCreatedEvent(
        ei_response=EiResponse(request_id=""),
        event_responses=(response(event_id, version, opt),),
        ven_id=ven.ven_id,
    )
    await ven.say("EiEvent", message)


async def metadata(ven: WireVen) -> Message | None:
    return await ven.say(
        "EiReport",
        OadrRegisterReport(request_id="m", oadr_reports=(usage_metadata(),), ven_id=ven.ven_id),
    )


async def test_an_event_goes_out_is_changed_answered_and_cancelled() -> None:
    async with desk() as operator, visiting(operator.utility, None) as ven:
        await ven.register()
        created = await operator.ask("POST", "/v1/events", EVENT, 201)
        first = only(OadrDistributeEvent, await ven.poll())
        await answered(ven, "e1", 0, OptType.OPT_IN)
        changed = await operator.ask("PUT", "/v1/events/e1", CHANGE | {"priority": 1})
        same = await operator.ask("PUT", "/v1/events/e1", CHANGE | {"priority": 1})
        await ven.poll()
        await answered(ven, "e1", 1, OptType.OPT_OUT)
        deliveries = await operator.ask("GET", "/v1/events/e1/deliveries")
        answers = await operator.ask("GET", "/v1/answers")
        cancelled = await operator.ask("POST", "/v1/events/e1/cancel")
        listed = await operator.ask("GET", "/v1/events", ven=ven.ven_id)

    signal = first.oadr_events[0].ei_event.ei_event_signals[0]
    assert [str(one.signal_payload) for one in signal.intervals] == ["300", "0.5"]
    assert (created["version"], created["status"], created["duration"]) == (0, "far", "PT2H")
    assert created["signals"][0]["unit"] == "MW"
    assert created["signals"][0]["intervals"][1] == {"duration": "PT1H", "value": "0.5"}
    assert (changed["version"], same["version"], changed["priority"]) == (1, 1, 1)
    found = deliveries["deliveries"][0]
    assert (found["answered_version"], found["opt"]) == (1, "optOut")
    assert [(one["version"], one["opt"]) for one in answers["answers"]] == [
        (0, "optIn"),
        (1, "optOut"),
    ]
    assert (cancelled["version"], cancelled["status"]) == (2, "cancelled")
    assert [one["id"] for one in listed["events"]] == ["e1"]


async def test_everything_that_an_event_can_carry_is_taken() -> None:
    whole = EVENT | {
        "id": "whole",
        "vens": ["v1"],
        "priority": 3,
        "notification": "PT1H",
        "ramp_up": "-PT5M",
        "recovery": "PT10M",
        "randomise": "PT2M",
        "test_event": "true",
        "response_required": "never",
        "comment": "ä",
        "modification_reason": "weather",
        "target": {
            "resources": ["r"],
            "groups": ["g"],
            "group_names": ["n"],
            "parties": ["p"],
            "ven": "v1",
            "end_device_assets": ["Thermostat"],
            "meter_assets": ["m"],
            "pnodes": ["pn"],
            "aggregated_pnodes": ["ap"],
            "service_delivery_points": ["s"],
            "transport_interfaces": [{"receipt": "a", "delivery": "b"}],
        },
        "baseline": {"unit": "MW", "intervals": [{"duration": "PT1H", "value": 310}]},
        "signals": [
            *EVENT["signals"],
            {"intervals": [{"duration": "PT2H", "value": 2}], "device_classes": ["Thermostat"]},
        ],
    }
    async with desk() as operator:
        created = await operator.ask("POST", "/v1/events", whole, 201)
        record = operator.utility.page().find(EventRecord, "", ("whole",))
        await operator.ask(
            "POST",
            "/v1/events",
            EVENT | {"id": "open", "signals": [{"intervals": [{"duration": "PT0S", "value": 1}]}]},
            201,
        )

    assert created["vens"] == ["v1"]
    assert [one["name"] for one in created["signals"]] == ["LOAD_DISPATCH", "SIMPLE"]
    assert record is not None
    event = record.event.ei_event
    assert event.ei_target.transport_interfaces[0].point_of_delivery == "b"
    assert event.ei_active_period.x_ei_ramp_up == -5 * MINUTE
    assert event.ei_event_baseline is not None


@pytest.mark.parametrize(
    ("change", "status", "pointer", "detail"),
    [
        ({"priorty": 1}, 422, "/priorty", "not permitted"),
        ({"start": "tomorrow"}, 422, "/start", ""),
        ({"id": "a/b"}, 422, "/id", "pattern"),
        ({"signals": []}, 422, "/signals", "empty"),
        (
            {"signals": [{"unit": "horses", "intervals": [{"duration": "PT1H", "value": 1}]}]},
            422,
            "/signals/0/unit",
            "kWh",
        ),
        (
            {"signals": [{"intervals": [{"duration": "PT1H", "value": 9}]}]},
            422,
            "/signals",
            "SIMPLE",
        ),
        (
            {
                "signals": [
                    {"name": "LOAD_DISPATCH", "intervals": [{"duration": "PT1H", "value": 1}]}
                ]
            },
            422,
            "/signals",
            "powerReal",
        ),
        ({"priority": "high"}, 422, "/priority", ""),
        ({"vens": "v1"}, 422, "/vens", ""),
    ],
)
async def test_a_wrong_event_is_refused_with_its_field_and_the_fix(
    change: dict[str, object], status: int, pointer: str, detail: str
) -> None:
    async with desk() as operator:
        problem = await operator.ask("POST", "/v1/events", EVENT | change, status)
        listed = await operator.ask("GET", "/v1/events")

    assert problem["errors"][0]["pointer"] == pointer
    assert detail in problem["errors"][0]["detail"]
    assert problem["errors"][0]["fix"]
    assert problem["code"].startswith("GG-")
    assert listed["events"] == []


async def test_an_event_that_breaks_a_rule_is_sent_when_asked_to() -> None:
    wrong = EVENT | {
        "signals": [{"intervals": [{"duration": "PT1H", "value": 9}]}],
        "unchecked": True,
    }
    async with desk() as operator, visiting(operator.utility, None) as ven:
        await ven.register()
        await operator.ask("POST", "/v1/events", wrong, 201)
        sent = only(OadrDistributeEvent, await ven.poll())

    assert sent.oadr_events[0].ei_event.ei_event_signals[0].intervals[0].signal_payload == 9


async def test_what_is_not_there_or_stands_in_the_way_is_told() -> None:
    async with desk(refuse_overlap=True) as operator:
        await operator.ask("POST", "/v1/events", EVENT, 201)
        twice = await operator.ask("POST", "/v1/events", EVENT, 409)
        overlap = await operator.ask("POST", "/v1/events", EVENT | {"id": "e2"}, 409)
        unknown = await operator.ask("PUT", "/v1/events/no", CHANGE, 404)
        await operator.ask("GET", "/v1/events/no", status=404)
        await operator.ask("GET", "/v1/events/no/deliveries", status=404)
        await operator.ask("GET", "/v1/vens/no", status=404)
        await operator.ask("POST", "/v1/vens/no/reregister", status=404)
        await operator.ask("DELETE", "/v1/vens/no", status=404)
        await operator.ask("POST", "/v1/reports/no/cancel", {}, 404)
        await operator.ask("GET", "/v1/nothing", status=404)
        await operator.ask("DELETE", "/v1/events/e1", status=405)
        query = await operator.ask("GET", "/v1/vens", status=422, limt="1")
        await operator.ask("GET", "/v1/vens", status=422, limit="-1")

    assert (twice["reason"], twice["errors"][0]["pointer"]) == ("EVENT_EXISTS", "/id")
    assert overlap["reason"] == "EVENTS_OVERLAP"
    assert unknown["reason"] == "UNKNOWN_EVENT"
    assert "limt" in query["detail"]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"id": 1, "id": 2}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"[" * 100_000, "application/json", 400),
        (b" " * ((1 << 20) + 1), "application/json", 413),
        (b"\xff\xfe", "application/json", 400),
    ],
)
async def test_what_is_no_json_is_refused(body: bytes, media_type: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": media_type}
    async with desk() as operator:
        url = f"{operator.url}/v1/events"
        async with operator.http.post(url, data=BytesIO(body), headers=headers) as answer:
            problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, problem["status"]) == (status, status)


async def test_every_operation_wants_the_token() -> None:
    async with desk() as operator:
        for route in ROUTES:
            url = operator.url + route.path.replace("{", "").replace("}", "")
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
                async with operator.http.request(route.method, url, headers=headers) as answer:
                    assert answer.status == 401, route
                    assert "WWW-Authenticate" in answer.headers
        async with operator.http.get(f"{operator.url}/openapi.json") as answer:
            assert answer.status == 200
            served = await answer.json()

    assert served == openapi_document()


def test_the_description_is_valid_openapi_and_names_every_operation_once() -> None:
    document = openapi_document()

    validate(document)
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names)) == len(ROUTES)


async def test_vens_are_allocated_shown_asked_and_removed() -> None:
    async with desk(closed=True) as operator:
        body = {"fingerprints": [ONE], "name": "Site"}
        allocated = await operator.ask("PUT", "/v1/vens/site-1", body)
        await operator.ask("PUT", "/v1/vens/site-2", {})
        taken = await operator.ask("PUT", "/v1/vens/site-3", body, 409)
        wrong = await operator.ask("PUT", "/v1/vens/x", {"fingerprints": ["aa:bb"]}, 422)
        first = await operator.ask("GET", "/v1/vens", limit="1")
        rest = await operator.ask("GET", "/v1/vens", after=first["next"])
        await operator.ask("DELETE", "/v1/vens/site-1")
        left = await operator.ask("GET", "/v1/vens")

    assert (allocated["registered"], allocated["allocated"]) == (False, [ONE])
    assert taken["errors"][0]["pointer"] == "/fingerprints"
    assert wrong["errors"][0]["pointer"] == "/fingerprints/0"
    assert [one["ven_id"] for one in first["vens"]] == ["site-1"]
    assert ([one["ven_id"] for one in rest["vens"]], rest["next"]) == (["site-2"], None)
    assert [one["ven_id"] for one in left["vens"]] == ["site-2"]


@pytest.mark.spec("OpenADR 2.0b section 8.4.1, N1_0040, N1_0050")
async def test_a_registered_ven_is_asked_to_register_anew_and_to_leave() -> None:
    async with desk() as operator, visiting(operator.utility, None) as ven:
        await ven.register()
        shown = await operator.ask("GET", f"/v1/vens/{ven.ven_id}")
        await operator.ask("POST", f"/v1/vens/{ven.ven_id}/reregister")
        again = await ven.poll()
        await ven.say(
            "EiRegisterParty",
            OadrResponse(ei_response=EiResponse(request_id=""), ven_id=ven.ven_id),
        )
        await operator.ask("POST", f"/v1/vens/{ven.ven_id}/unregister")
        leaving = only(OadrCancelPartyRegistration, await ven.poll())
        await ven.say(
            "EiRegisterParty",
            OadrCanceledPartyRegistration(
                ei_response=EiResponse(request_id=leaving.request_id),
                registration_id=leaving.registration_id,
                ven_id=ven.ven_id,
            ),
        )
        vens = await operator.ask("GET", "/v1/vens")
        facts = await operator.ask("GET", "/v1/facts")
        rest = await operator.ask("GET", "/v1/facts", after=facts["next"])
        other = await operator.ask("GET", "/v1/facts", after="another.3", limit="2")

    assert (shown["registered"], shown["online"], shown["push"]) == (True, True, False)
    assert isinstance(again, OadrRequestReregistration)
    assert vens["vens"] == []
    assert facts["facts"][0]["what"] == "registered"
    assert facts["facts"][-1]["what"] == "unregistered"
    assert rest["facts"] == []
    assert [one["number"] for one in other["facts"]] == [1, 2]


async def test_reports_are_asked_for_received_and_cancelled() -> None:
    wishes = {
        "wishes": [
            {"id": "live", "granularity": "PT1M", "back": "PT1M", "lasts": "PT0S"},
            {"id": "once"},
        ]
    }
    async with desk() as operator, visiting(operator.utility, None) as ven:
        await ven.register()
        await metadata(ven)
        asked = await operator.ask("POST", "/v1/reports", wishes, 201)
        request = only(OadrCreateReport, await ven.poll())
        ids = [one.report_request_id for one in request.oadr_report_requests]
        await ven.say(
            "EiReport",
            OadrCreatedReport(
                ei_response=EiResponse(request_id=request.request_id),
                oadr_pending_reports=tuple(ids),
                ven_id=ven.ven_id,
            ),
        )
        await ven.say("EiReport", usage_update(ven.ven_id, ids[0], ("1.50", "-2")))
        values = await operator.ask("GET", "/v1/values", report="live", ven=ven.ven_id)
        none = await operator.ask("GET", "/v1/values", after=str(values["next"]))
        listed = await operator.ask("GET", "/v1/reports")
        await operator.ask("POST", "/v1/reports/live/cancel", {"to_follow": True})
        cancel = only(OadrCancelReport, await ven.poll())
        bad = await operator.ask(
            "POST", "/v1/reports", {"wishes": [{"id": "x", "back": "PT1M"}]}, 422
        )

    assert len(ids) == 2
    assert [one["id"] for one in asked["wishes"]] == ["live", "once"]
    assert {one["requests"][0]["state"] for one in listed["wishes"]} == {"pending"}
    assert [(one["value"], one["lasts"]) for one in values["values"]] == [
        ("1.5", "PT1M"),
        ("-2", "PT1M"),
    ]
    assert none["values"] == []
    assert (cancel.report_request_ids, cancel.report_to_follow) == ((ids[0],), True)
    assert bad["reason"] == "BAD_WISH"


async def test_opts_and_availability_are_shown() -> None:
    async with desk() as operator, visiting(operator.utility, None) as ven:
        await ven.register()
        opt = OadrCreateOpt(
            opt_id="o",
            opt_type=OptType.OPT_OUT,
            opt_reason="economic",
            ven_id=ven.ven_id,
            vavailability=(WsCalendarInterval(dtstart=T0, duration=HOUR),),
            created_date_time=T0,
            request_id="c",
            ei_target=EiTarget(resource_ids=("r1",)),
        )
        await ven.say("EiOpt", opt)
        opts = await operator.ask("GET", "/v1/opts", ven=ven.ven_id)
        path = f"/v1/vens/{ven.ven_id}/availability"
        at = "2026-05-03T16:30:00Z"
        out = await operator.ask("GET", path, at=at, resource="r1")
        in_ = await operator.ask("GET", path, at=at, resource="r2")
        await operator.ask("GET", path, status=422, at="soon")

    assert (opts["opts"][0]["state"], opts["opts"][0]["target"]) == (
        "standing",
        ["resource_ids:r1"],
    )
    assert (out["takes_part"], in_["takes_part"]) == (False, True)


async def test_the_utility_offers_reports_of_its_own() -> None:
    offer = {"reports": [{"id": "weather", "points": [{"r_id": "t", "unit": "celsius"}]}]}
    async with desk() as operator, visiting(operator.utility, None) as ven:
        await ven.register()
        offered = await operator.ask("PUT", "/v1/own-reports", offer)
        message = only(OadrRegisterReport, await ven.poll())
        value = {"values": [{"r_id": "t", "value": 21.5}]}
        await operator.ask("POST", "/v1/own-reports/weather/values", value)
        await operator.ask("POST", "/v1/own-reports/other/values", value, 404)

    assert offered["reports"][0]["r_ids"] == ["t"]
    assert message.oadr_reports[0].report_name == "METADATA_TELEMETRY_USAGE"


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    store = tmp_path / "vtn.db"
    async with desk(store) as operator, visiting(operator.utility, None) as ven:
        await ven.register()
        await metadata(ven)
        await operator.ask("PUT", "/v1/vens/site-1", {"fingerprints": [ONE]})
        await operator.ask("POST", "/v1/events", EVENT, 201)
        await ven.poll()
        await answered(ven, "e1", 0, OptType.OPT_IN)
        await operator.ask("POST", "/v1/reports", {"wishes": [{"id": "once"}]}, 201)
        before = [
            await operator.ask("GET", path)
            for path in ("/v1/events", "/v1/reports", "/v1/answers", "/v1/opts", "/v1/transcript")
        ]
        vens = await operator.ask("GET", "/v1/vens")
        identity = (ven.ven_id, ven.registration_id)

    async with desk(store) as operator, visiting(operator.utility, None) as ven:
        after = [
            await operator.ask("GET", path)
            for path in ("/v1/events", "/v1/reports", "/v1/answers", "/v1/opts", "/v1/transcript")
        ]
        again = await operator.ask("GET", "/v1/vens")
        ven.ven_id, ven.registration_id = identity
        request = await ven.poll()
        await ven.say("OadrPoll", OadrPoll(ven_id=ven.ven_id))
        lines = await operator.ask("GET", "/v1/transcript", after=str(after[-1][-1]["number"]))

    assert after == before
    for one in (*vens["vens"], *again["vens"]):
        one.pop("online")
    assert again == vens
    assert isinstance(request, OadrCreateReport)
    assert [line["said"][0] for line in lines] == ["oadrPoll", "oadrPoll"]
    assert lines[0]["answer"].startswith("<?xml")


GUIDE = Path(__file__).parents[2] / "docs/conformance/play-the-utility.md"


def told_requests() -> list[list[str]]:
    """Return the requests of the guide, as a shell would split them."""
    blocks = GUIDE.read_text().split("<!-- A test", 1)[1].split("```sh\n")[1:]
    lines = [line for block in blocks for line in block.split("```", 1)[0].splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("curl ")]


async def test_the_guide_asks_only_what_is_answered() -> None:
    asked = set()
    async with desk() as operator:
        for words in told_requests():
            url = urlsplit(next(word for word in words if word.startswith("$ADMIN")))
            method = words[words.index("-X") + 1] if "-X" in words else "GET"
            body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
            created = method == "POST" and url.path in {"$ADMIN/v1/events", "$ADMIN/v1/reports"}
            await operator.ask(
                method,
                url.path.removeprefix("$ADMIN"),
                body,
                201 if created else 200,
                **dict(parse_qsl(url.query)),
            )
            asked.add(method)

    assert asked == {"GET", "POST", "PUT", "DELETE"}
