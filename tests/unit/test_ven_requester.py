"""The VEN asks the VTN for reports, keeps and acknowledges what comes, and cancels (cases R1_3070-3120)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.asks import State
from gateway.protocols.oadr2b.options import VenOptions, VtnReport
from gateway.protocols.oadr2b.ven_recovery import recovered
from gateway.protocols.oadr2b.ven_snapshot import read_state
from tests.oadr2b_world import HOUR, KILOWATT, MINUTE, NOW, World, ok

NONE = timedelta(0)
PRICES = VtnReport(specifier="prices", granularity=MINUTE, every=5 * MINUTE)
ONCE = VtnReport(specifier="prices", r_ids=("p2",))


def ready(*wishes: VtnReport, **keys: object) -> World:
    options = VenOptions(query_first=False, vtn_reports=wishes, **keys)
    world = World(options=options)
    world.settle()
    return world


def metadata(
    specifier: str = "prices", *, r_ids: tuple[str, ...] = ("p1", "p2"), request: str = ""
) -> wire.OadrRegisterReport:
    report = wire.OadrReport(
        duration=HOUR,
        oadr_report_descriptions=tuple(
            wire.OadrReportDescription(
                r_id=r_id, report_type="usage", reading_type="Direct Read", item_base=KILOWATT
            )
            for r_id in r_ids
        ),
        report_request_id=request or "0",
        report_specifier_id=specifier,
        report_name="METADATA_TELEMETRY_USAGE",
        created_date_time=NOW,
    )
    return wire.OadrRegisterReport(
        request_id="m1", oadr_reports=(report,), report_request_id=request or None
    )


def data(
    request: str,
    *values: str,
    start: datetime = NOW,
    point: str = "p1",
    message: str = "u1",
    stamped: bool = True,
    quality: str | None = None,
) -> wire.OadrUpdateReport:
    report = wire.OadrReport(
        dtstart=start,
        intervals=tuple(
            wire.ReportInterval(
                dtstart=start + place * MINUTE if stamped else None,
                duration=MINUTE,
                uid=None if stamped else str(place),
                oadr_report_payloads=(
                    wire.OadrReportPayload(
                        r_id=point, payload_float=Decimal(value), oadr_data_quality=quality
                    ),
                ),
            )
            for place, value in enumerate(values)
        ),
        report_request_id=request,
        report_specifier_id="prices",
        report_name="TELEMETRY_USAGE",
        created_date_time=NOW,
    )
    return wire.OadrUpdateReport(request_id=message, oadr_reports=(report,))


def asked(world: World) -> list[wire.OadrReportRequest]:
    """Every request of ours, repetitions of a message once."""
    seen = {m.request_id: m for m in world.of(wire.OadrCreateReport)}
    return [request for message in seen.values() for request in message.oadr_report_requests]


def acknowledged(world: World) -> list[str]:
    return [m.ei_response.response_code for m in world.of(wire.OadrUpdatedReport)]


def left(world: World) -> dict[str, State]:
    assert world.saved is not None
    return {key: one.state for key, one in read_state(world.saved).asked.items()}


def kept(world: World) -> list[tuple[str, datetime, str, str, str]]:
    return [
        (v.point, v.start, v.value, v.unit, v.quality)
        for received in world.received
        for v in received.values
    ]


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1")
def test_a_ven_that_wants_the_offer_asks_for_it_once() -> None:
    world = ready(ask_vtn_metadata=True)
    world.run(MINUTE)
    (request,) = asked(world)
    specifier = request.report_specifier
    assert specifier.report_specifier_id == "METADATA"
    assert [(p.r_id, p.reading_type) for p in specifier.specifier_payloads] == [
        ("0", "x-notApplicable")
    ]
    assert (specifier.granularity, specifier.report_back_duration) == (NONE, NONE)
    assert specifier.report_interval is None

    world.poll(metadata(request=request.report_request_id))

    (answer,) = world.of(wire.OadrRegisteredReport)
    assert (answer.ei_response.response_code, answer.ei_response.request_id) == ("200", "m1")
    assert left(world) == {request.report_request_id: State.DONE}
    world.run(MINUTE)
    assert len(asked(world)) == 1


@pytest.mark.spec("OpenADR 2.0b rule 309")
def test_our_own_metadata_goes_before_any_request() -> None:
    world = ready(ask_vtn_metadata=True)

    kinds = [type(sent.message) for sent in world.sent]

    assert kinds.index(wire.OadrCreateReport) > kinds.index(wire.OadrRegisterReport)


def test_without_the_setting_nothing_is_asked_and_offers_are_acknowledged() -> None:
    world = ready()
    world.poll(metadata())

    assert asked(world) == []
    (answer,) = world.of(wire.OadrRegisteredReport)
    assert answer.oadr_report_requests == ()
    assert [(f.key, f.fields["points"]) for f in world.facts] == [("prices", "p1 [kW], p2 [kW]")]


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.2, rules 317, 324")
def test_a_periodic_report_is_asked_for_once_it_is_offered() -> None:
    world = ready(PRICES)
    world.run(MINUTE)
    assert asked(world) == []
    world.poll(metadata())

    (request,) = asked(world)

    specifier = request.report_specifier
    assert request.report_request_id not in {"", "0"}
    assert [p.r_id for p in specifier.specifier_payloads] == ["p1", "p2"]
    assert {p.reading_type for p in specifier.specifier_payloads} == {"x-notApplicable"}
    assert all(p.item_base is None for p in specifier.specifier_payloads)
    assert (specifier.granularity, specifier.report_back_duration) == (MINUTE, 5 * MINUTE)
    assert specifier.report_interval is not None
    assert specifier.report_interval.duration == NONE
    assert list(left(world).values()) == [State.RUNNING]


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.3")
def test_each_delivery_is_kept_and_acknowledged() -> None:
    world = ready(PRICES)
    world.poll(metadata())
    request = asked(world)[0].report_request_id
    world.poll(data(request, "1.5", "2", message="u1"))
    world.poll(
        data(
            request,
            "3",
            start=NOW + 5 * MINUTE,
            message="u2",
            quality="Quality Good - Non Specific",
        )
    )

    answers = [
        (m.ei_response.response_code, m.ei_response.request_id)
        for m in world.of(wire.OadrUpdatedReport)
    ]

    assert answers == [("200", "u1"), ("200", "u2")]
    assert kept(world) == [
        ("p1", NOW, "1.5", "kW", ""),
        ("p1", NOW + MINUTE, "2", "kW", ""),
        ("p1", NOW + 5 * MINUTE, "3", "kW", "Quality Good - Non Specific"),
    ]
    assert world.facts[-1].fields["reports"] == "2"


@pytest.mark.spec("OpenADR 2.0b rule 316")
def test_intervals_without_a_start_follow_each_other() -> None:
    world = ready(PRICES)
    world.poll(metadata())
    world.poll(data(asked(world)[0].report_request_id, "1", "2", "3", stamped=False))

    assert [start for _, start, *_ in kept(world)] == [NOW, NOW + MINUTE, NOW + 2 * MINUTE]


def test_a_status_is_kept_in_words() -> None:
    world = ready(PRICES)
    world.poll(metadata())
    status = wire.OadrPayloadResourceStatus(oadr_online=True, oadr_manual_override=True)
    report = wire.OadrReport(
        dtstart=NOW,
        intervals=(
            wire.ReportInterval(
                dtstart=NOW,
                oadr_report_payloads=(
                    wire.OadrReportPayload(r_id="p1", oadr_payload_resource_status=status),
                ),
            ),
        ),
        report_request_id=asked(world)[0].report_request_id,
        report_specifier_id="prices",
        report_name="TELEMETRY_STATUS",
        created_date_time=NOW,
    )
    world.poll(wire.OadrUpdateReport(request_id="u", oadr_reports=(report,)))

    assert [value for _, _, value, *_ in kept(world)] == ["online, overridden"]


@pytest.mark.parametrize("request_id", ["0", "nobody"])
def test_data_that_nobody_asked_for_is_refused_and_not_kept(request_id: str) -> None:
    world = ready(PRICES)
    world.poll(metadata())
    world.poll(data(request_id, "1"))

    assert acknowledged(world) == ["452"]
    assert kept(world) == []


def test_two_overlapping_requests_go_out_and_are_told_apart() -> None:
    world = ready(PRICES, ONCE)
    world.poll(metadata())
    first, second = asked(world)
    assert second.report_specifier.report_interval is None
    world.poll(data(first.report_request_id, "1"), data(second.report_request_id, "2", point="p2"))
    world.poll(data(first.report_request_id, "3", start=NOW + 5 * MINUTE))

    assert acknowledged(world) == ["200"] * 3
    assert left(world) == {
        first.report_request_id: State.RUNNING,
        second.report_request_id: State.DONE,
    }


@pytest.mark.parametrize("reply", ["461", "452", "454"])
def test_a_refused_request_is_not_repeated_until_the_offer_changes(reply: str) -> None:
    world = ready(PRICES)
    world.vtn.script(wire.OadrCreateReport, wire.OadrCreatedReport(ei_response=ok(code=reply)))
    world.poll(metadata())
    world.run(MINUTE)
    assert len(asked(world)) == 1
    assert world.facts[-1].fields["code"] == reply

    world.poll(metadata())

    assert len(asked(world)) == 2
    assert list(left(world).values()) == [State.RUNNING]


@pytest.mark.spec("OpenADR 2.0b rule 306")
def test_new_metadata_ends_what_ran_and_it_is_asked_for_anew() -> None:
    world = ready(PRICES, ONCE)
    world.poll(metadata())
    old, once = asked(world)
    world.poll(data(once.report_request_id, "2", point="p2"))
    world.poll(metadata())

    new = asked(world)[-1]
    assert len(asked(world)) == 3  # what came once was had
    assert new.report_request_id != old.report_request_id
    world.poll(data(old.report_request_id, "1"))
    assert acknowledged(world) == ["200", "452"]


def test_a_report_or_point_that_is_not_offered_is_not_asked_for() -> None:
    world = ready(VtnReport(specifier="other"), VtnReport(specifier="prices", r_ids=("p9",)))
    world.poll(metadata())
    world.run(MINUTE)

    assert asked(world) == []


@pytest.mark.spec("OpenADR 2.0b rule 344")
def test_requests_may_travel_with_the_acknowledgement_of_the_offer() -> None:
    world = ready(PRICES, requests_with_metadata=True)
    world.poll(metadata())

    (answer,) = world.of(wire.OadrRegisteredReport)
    (request,) = answer.oadr_report_requests
    assert world.of(wire.OadrCreateReport) == []
    world.poll(data(request.report_request_id, "1"))
    assert acknowledged(world) == ["200"]


@pytest.mark.spec("OpenADR 2.0b rule 336")
@pytest.mark.parametrize("code", ["200", "452", "451"])
def test_what_is_wanted_no_longer_is_cancelled(code: str) -> None:
    world = ready(PRICES)
    world.poll(metadata())
    request = asked(world)[0].report_request_id
    world.vtn.script(wire.OadrCancelReport, wire.OadrCanceledReport(ei_response=ok(code=code)))
    world.options = VenOptions(query_first=False)
    world.restart()
    world.run(MINUTE)

    (cancel,) = world.of(wire.OadrCancelReport)
    assert (cancel.report_request_ids, cancel.report_to_follow) == ((request,), False)
    world.poll(data(request, "1"))
    assert acknowledged(world) == ["200" if code == "451" else "452"]


def test_a_limited_report_ends_and_is_not_asked_for_again() -> None:
    world = ready(VtnReport(specifier="prices", every=MINUTE, lasts=2 * MINUTE))
    world.poll(metadata())
    (request,) = asked(world)
    period = request.report_specifier.report_interval
    assert period is not None
    assert period.duration == 2 * MINUTE
    for place in range(3):
        world.run(MINUTE)
        world.poll(data(request.report_request_id, "1", message=f"u{place}"))

    assert acknowledged(world) == ["200"] * 3
    assert left(world) == {request.report_request_id: State.DONE}
    assert len(asked(world)) == 1


# --- outage, restart, restore, registration


def test_a_request_is_repeated_as_it_was_until_it_is_answered() -> None:
    world = ready(PRICES)
    world.vtn.script(wire.OadrCreateReport, "TIMEOUT", "STATUS_500", "TIMEOUT")
    world.poll(metadata())
    world.restart()
    world.run(5 * MINUTE)

    bodies = {s.body for s in world.sent if isinstance(s.message, wire.OadrCreateReport)}

    assert len(bodies) == 1
    assert list(left(world).values()) == [State.RUNNING]


def test_a_restart_forgets_neither_offers_nor_requests() -> None:
    world = ready(PRICES)
    world.poll(metadata())
    world.restart()
    world.poll(data(asked(world)[0].report_request_id, "1"))

    assert acknowledged(world) == ["200"]
    assert kept(world)[0][3] == "kW"
    assert len(asked(world)) == 1


def test_a_restored_backup_asks_anew_for_what_was_on_its_way() -> None:
    world = ready(PRICES)
    world.vtn.script(wire.OadrCreateReport, "TIMEOUT")
    world.poll(metadata())
    assert world.saved is not None
    world.saved = recovered(world.saved, world.now)
    world.restart()
    world.run(MINUTE)

    assert len(asked(world)) == 2
    assert list(left(world).values()) == [State.RUNNING]


@pytest.mark.spec("OpenADR 2.0b rule 407")
def test_another_registration_forgets_what_the_vtn_offered() -> None:
    world = ready(PRICES, ask_vtn_metadata=True)
    world.poll(metadata())
    world.vtn.script(wire.OadrPoll, wire.OadrResponse(ei_response=ok(code="463")))
    world.vtn.ven_id, world.vtn.registration_id = "ven-9", "reg-9"
    world.run(MINUTE)

    kinds = [r.report_specifier.report_specifier_id for r in asked(world)]

    assert kinds == ["METADATA", "prices", "METADATA"]


def test_a_vtn_that_cannot_give_reports_is_asked_once() -> None:
    world = ready(ask_vtn_metadata=True)
    world.restart()
    world.vtn.script(wire.OadrCreateReport, *["STATUS_404"] * 5)
    world = World(options=VenOptions(query_first=False, ask_vtn_metadata=True), vtn=world.vtn)
    world.run(HOUR)

    assert len(world.of(wire.OadrCreateReport)) == 1
    assert list(left(world).values()) == [State.REFUSED]


@pytest.mark.parametrize("code", ["200", "461"])
def test_data_that_comes_before_the_promise_of_it_is_kept(code: str) -> None:
    world = ready(PRICES, ONCE)
    world.vtn.script(
        wire.OadrCreateReport,
        *["STATUS_500"] * 5,
        wire.OadrCreatedReport(ei_response=ok(code=code)),
    )
    world.vtn.queue.extend([metadata()])
    world.run(timedelta(seconds=10))
    while not world.of(wire.OadrCreateReport):
        world.run(timedelta(seconds=1))
    first, second = asked(world)
    world.vtn.queue.extend(
        [data(first.report_request_id, "1"), data(second.report_request_id, "2", point="p2")]
    )
    world.run(MINUTE)

    assert acknowledged(world) == ["200", "200"]
    assert len(kept(world)) == 2
