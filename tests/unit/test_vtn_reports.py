"""Reports and opt schedules by the VTN."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    OadrCanceledReport,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrPayloadResourceStatus,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportPayload,
    OadrReportRequest,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
    ReportInterval,
    ReportSpecifier,
    SpecifierPayload,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.vtn_facts import Offered, ReportAnswered, Reported
from gateway.protocols.oadr2b.vtn_records import RequestRecord, WantRecord
from gateway.protocols.oadr2b.vtn_reports import check_wish
from gateway.protocols.oadr2b.vtn_requests import RequestState
from tests.vtn_story import (
    HOUR,
    MINUTE,
    POLL,
    T0,
    TWO,
    Story,
    Ven,
    only,
    usage_metadata,
    usage_update,
    wish,
)


def offering() -> tuple[Story, Ven]:
    story = Story()
    ven = Ven(story).register()
    ven.offer(usage_metadata())
    return story, ven


def asked(ven: Ven) -> OadrReportRequest:
    request = only(OadrCreateReport, ven.poll())
    ven.promise(request)
    return request.oadr_report_requests[0]


def state(story: Story, ven: Ven, report_request_id: str) -> RequestState:
    found = story.vtn.page(story.now).find(RequestRecord, ven.ven_id, (report_request_id,))
    assert found is not None
    return found.state


def code(reply: object) -> str:
    return only(OadrUpdatedReport, reply).ei_response.response_code


@pytest.mark.spec("OpenADR 2.0b section 8.3.2, rule 324")
def test_a_wish_becomes_a_request_when_the_ven_offers_it() -> None:
    story = Story()
    story.want(wish(starts_at=T0, lasts=HOUR))
    ven = Ven(story).register()
    assert ven.finds_nothing()

    registered = ven.offer(usage_metadata("usage", ("power", "energy")))
    request = asked(ven)

    assert registered.ei_response == EiResponse(request_id="offer")
    assert registered.oadr_report_requests == ()
    assert request.report_request_id != "0"
    assert request.report_specifier == ReportSpecifier(
        report_specifier_id="usage",
        granularity=MINUTE,
        report_back_duration=MINUTE,
        report_interval=WsCalendarInterval(dtstart=T0, duration=HOUR),
        specifier_payloads=(SpecifierPayload(r_id="power"), SpecifierPayload(r_id="energy")),
    )
    assert story.told(ReportAnswered)[0].state is RequestState.PENDING
    assert ven.finds_nothing()
    assert len(story.told(Offered)) == 1


def test_a_wish_that_nobody_offers_waits() -> None:
    story, ven = offering()

    story.want(wish("status", report_name="TELEMETRY_STATUS"))
    story.want(wish("point", r_ids=("voltage",)))
    story.want(wish("other", ven_id="another"))

    assert ven.finds_nothing()
    with pytest.raises(MisuseError, match="WANT_EXISTS"):
        story.want(wish("point"))


@pytest.mark.spec("OpenADR 2.0b rule 306")
def test_new_metadata_ends_requests_and_they_are_made_anew() -> None:
    story, ven = offering()
    story.want(wish())
    first = asked(ven)

    ven.offer(usage_metadata("usage2"))
    second = asked(ven)

    assert first.report_request_id != second.report_request_id
    assert second.report_specifier.report_specifier_id == "usage2"
    assert state(story, ven, first.report_request_id) is RequestState.ENDED
    assert ven.finds_nothing()


def test_a_one_shot_that_was_served_is_not_asked_again() -> None:
    story, ven = offering()
    story.want(wish(report_back=timedelta(0), granularity=timedelta(0), lasts=None))
    request = asked(ven)
    assert request.report_specifier.report_interval is None

    assert code(ven.report(request.report_request_id, "412.5")) == "200"
    ven.offer(usage_metadata())

    assert state(story, ven, request.report_request_id) is RequestState.ENDED
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b section 8.3.2")
def test_values_are_placed_in_time_and_told_with_their_quality() -> None:
    story, ven = offering()
    story.want(wish())
    request = asked(ven)

    assert code(ven.report(request.report_request_id, "500", "400.25")) == "200"

    assert [(v.starts_at, v.lasts, v.value) for v in story.told(Reported)] == [
        (T0, MINUTE, Decimal(500)),
        (T0 + MINUTE, MINUTE, Decimal("400.25")),
    ]
    assert story.told(Reported)[0].quality == "Quality Good - Non Specific"
    assert story.told(Reported)[0].want_id == "w1"


def test_a_periodic_request_ends_with_its_period() -> None:
    story, ven = offering()
    story.want(wish(starts_at=T0, lasts=2 * MINUTE))
    request = asked(ven)

    ven.report(request.report_request_id, "1")
    assert state(story, ven, request.report_request_id) is RequestState.PENDING
    ven.report(request.report_request_id, "2", start=T0 + MINUTE)

    assert state(story, ven, request.report_request_id) is RequestState.ENDED


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.3")
def test_updates_that_answer_nothing_get_452() -> None:
    story, ven = offering()
    other = Ven(story, TWO).register()
    other.offer(usage_metadata())
    story.want(wish())
    request = asked(ven)

    assert code(ven.report("unknown", "1")) == "452"
    assert code(other.report(request.report_request_id, "1")) == "452"
    assert code(ven.report(request.report_request_id, "1", r_id="voltage")) == "452"
    assert story.told(Reported) == []
    assert code(ven.report(request.report_request_id, "1")) == "200"


def test_a_value_without_any_start_gets_454() -> None:
    story, ven = offering()
    story.want(wish())
    request = asked(ven)
    report = OadrReport(
        intervals=(ReportInterval(uid="0", oadr_report_payloads=()),),
        report_request_id=request.report_request_id,
        report_specifier_id="usage",
        created_date_time=T0,
    )

    message = OadrUpdateReport(request_id="u", oadr_reports=(report,), ven_id=ven.ven_id)

    assert code(ven.say("EiReport", message)) == "454"


def test_a_status_is_told_without_a_value() -> None:
    story, ven = offering()
    story.want(wish())
    request = asked(ven)
    status = OadrPayloadResourceStatus(oadr_online=True, oadr_manual_override=False)
    report = OadrReport(
        dtstart=T0,
        intervals=(
            ReportInterval(
                dtstart=T0 + MINUTE,
                oadr_report_payloads=(
                    OadrReportPayload(r_id="power", oadr_payload_resource_status=status),
                ),
            ),
        ),
        report_request_id=request.report_request_id,
        report_specifier_id="usage",
        created_date_time=T0,
    )

    ven.say("EiReport", OadrUpdateReport(request_id="u", oadr_reports=(report,), ven_id=ven.ven_id))

    (told,) = story.told(Reported)
    assert (told.value, told.online, told.manual_override) == (None, True, False)
    assert (told.starts_at, told.lasts) == (T0 + MINUTE, None)


@pytest.mark.spec("OpenADR 2.0b section 8.6")
def test_an_unanswered_request_comes_again_under_the_same_id() -> None:
    story, ven = offering()
    story.want(wish())

    first = only(OadrCreateReport, ven.poll())
    assert ven.finds_nothing()
    story.later()
    assert ven.poll() == first
    ven.promise(first)
    story.later()

    assert ven.finds_nothing()


def test_data_is_answer_enough() -> None:
    story, ven = offering()
    story.want(wish())
    request = only(OadrCreateReport, ven.poll()).oadr_report_requests[0]

    ven.report(request.report_request_id, "1")
    story.later()

    assert ven.finds_nothing()
    assert state(story, ven, request.report_request_id) is RequestState.PENDING


@pytest.mark.parametrize("echo", ["right", ""])
def test_a_promise_is_found_by_its_echo_or_by_its_pending_list(echo: str) -> None:
    story, ven = offering()
    story.want(wish())
    request = only(OadrCreateReport, ven.poll())
    promise = OadrCreatedReport(
        ei_response=EiResponse(request_id=request.request_id if echo else ""),
        oadr_pending_reports=(request.oadr_report_requests[0].report_request_id,),
        ven_id=ven.ven_id,
    )

    assert only(OadrResponse, ven.say("EiReport", promise)).ei_response.is_success
    story.later()

    assert ven.finds_nothing()


def test_a_promise_settles_the_request_that_it_answers_and_no_other() -> None:
    story, ven = offering()
    story.want(wish("first"))
    story.want(wish("second"))
    first, second = only(OadrCreateReport, ven.poll()), only(OadrCreateReport, ven.poll())

    ven.promise(second)
    story.later()

    assert ven.poll() == first
    assert ven.finds_nothing()


def test_a_refused_message_changes_nothing_at_all() -> None:
    story = Story()
    ven = Ven(story).register(settle=False)
    metadata = only(OadrRegisterReport, ven.poll())
    answer = OadrRegisteredReport(
        ei_response=EiResponse(request_id=metadata.request_id),
        oadr_report_requests=(metadata_request("unknown"),),
        ven_id=ven.ven_id,
    )

    refused = only(OadrResponse, ven.say("EiReport", answer))
    story.later()

    assert refused.ei_response.response_code == "452"
    assert ven.poll() == metadata, "the acknowledgement was part of what was refused"


@pytest.mark.spec("OpenADR 2.0b rule 340")
def test_a_refused_request_is_over_until_new_metadata() -> None:
    story, ven = offering()
    story.want(wish())
    request = only(OadrCreateReport, ven.poll())
    refusal = OadrCreatedReport(
        ei_response=EiResponse(response_code="454", request_id=request.request_id),
        ven_id=ven.ven_id,
    )

    ven.say("EiReport", refusal)
    story.later()

    assert ven.finds_nothing()
    assert story.told(ReportAnswered)[0].code == "454"
    refused = request.oadr_report_requests[0].report_request_id
    assert code(ven.report(refused, "1")) == "452"
    ven.offer(usage_metadata())
    only(OadrCreateReport, ven.poll())


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.3")
@pytest.mark.parametrize("to_follow", [True, False])
def test_a_report_is_cancelled_through_the_queue(to_follow: bool) -> None:
    story, ven = offering()
    story.want(wish())
    request = asked(ven)

    story.do(story.vtn.unwant("w1", story.now, to_follow=to_follow))
    cancel = only(OadrCancelReport, ven.poll())
    assert cancel.report_request_ids == (request.report_request_id,)
    assert cancel.report_to_follow is to_follow
    assert code(ven.report(request.report_request_id, "1")) == "200"
    done = OadrCanceledReport(
        ei_response=EiResponse(request_id=cancel.request_id), ven_id=ven.ven_id
    )
    ven.say("EiReport", done)

    ended = RequestState.ENDED if to_follow else RequestState.CANCELLED
    assert state(story, ven, request.report_request_id) is ended
    late = code(ven.report(request.report_request_id, "1"))
    assert late == ("200" if to_follow else "452"), "the last report, or one that nobody wants"
    story.later()
    assert ven.finds_nothing()
    ven.offer(usage_metadata())
    assert ven.finds_nothing()


def test_a_request_that_was_never_sent_is_just_dropped() -> None:
    story, ven = offering()
    story.want(wish())

    story.do(story.vtn.unwant("w1", story.now))

    assert ven.finds_nothing()
    with pytest.raises(MisuseError, match="UNKNOWN_WANT"):
        story.vtn.unwant("w1", story.now)


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1")
def test_metadata_is_asked_once_and_disturbs_no_running_request() -> None:
    story, ven = offering()
    story.want(wish("meta", report_name="METADATA", lasts=None, report_back=timedelta(0)))
    request = asked(ven)
    specifier = request.report_specifier
    assert (specifier.report_specifier_id, specifier.specifier_payloads[0].r_id) == (
        "METADATA",
        "0",
    )

    answer = OadrRegisterReport(
        request_id="m",
        oadr_reports=(usage_metadata(),),
        ven_id=ven.ven_id,
        report_request_id=request.report_request_id,
    )
    ven.say("EiReport", answer)

    assert state(story, ven, request.report_request_id) is RequestState.ENDED
    assert ven.finds_nothing()


def metadata_request(
    specifier: str = "METADATA", back: timedelta = timedelta(0)
) -> OadrReportRequest:
    return OadrReportRequest(
        report_request_id="mine",
        report_specifier=ReportSpecifier(
            report_specifier_id=specifier,
            granularity=timedelta(0),
            report_back_duration=back,
            specifier_payloads=(SpecifierPayload(r_id="0"),),
        ),
    )


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1")
def test_a_ven_may_ask_for_the_metadata_of_the_vtn() -> None:
    story, ven = offering()

    def asking(request: OadrReportRequest) -> OadrCreatedReport:
        message = OadrCreateReport(
            request_id="q", oadr_report_requests=(request,), ven_id=ven.ven_id
        )
        return only(OadrCreatedReport, ven.say("EiReport", message))

    assert asking(metadata_request("usage")).ei_response.response_code == "452"
    created = asking(metadata_request())
    assert (created.ei_response.response_code, created.oadr_pending_reports) == ("200", ("mine",))

    metadata = only(OadrRegisterReport, ven.poll())
    assert metadata.report_request_id == "mine"
    piggy_back = OadrRegisteredReport(
        ei_response=EiResponse(request_id=metadata.request_id),
        oadr_report_requests=(metadata_request(),),
        ven_id=ven.ven_id,
    )
    assert only(OadrCreatedReport, ven.say("EiReport", piggy_back)).ei_response.is_success
    only(OadrRegisterReport, ven.poll())
    assert story.told(Reported) == []


def test_a_ven_cannot_cancel_what_it_has_not() -> None:
    _, ven = offering()
    message = OadrCancelReport(
        request_id="q", report_request_ids=("mine",), report_to_follow=False, ven_id=ven.ven_id
    )

    reply = only(OadrCanceledReport, ven.say("EiReport", message))

    assert reply.ei_response.response_code == "452"


@pytest.mark.spec("OpenADR 2.0b rule 344, R1_3060")
def test_a_wish_may_ride_in_the_answer_to_metadata() -> None:
    story = Story()
    story.want(wish(piggyback=True, starts_at=T0, lasts=HOUR))
    ven = Ven(story).register()

    riding = ven.offer(usage_metadata()).oadr_report_requests
    created = OadrCreatedReport(
        ei_response=EiResponse(request_id="whatever"),
        oadr_pending_reports=(riding[0].report_request_id,),
        ven_id=ven.ven_id,
    )
    ven.say("EiReport", created)
    story.later(2 * POLL)

    assert riding[0].report_specifier.report_specifier_id == "usage"
    assert state(story, ven, riding[0].report_request_id) is RequestState.PENDING
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b rule 344, R1_3060")
def test_a_riding_request_that_is_not_answered_is_asked_again_by_the_queue() -> None:
    story = Story()
    story.want(wish(piggyback=True))
    ven = Ven(story).register()
    riding = ven.offer(usage_metadata()).oadr_report_requests
    assert ven.finds_nothing()

    story.later(POLL)

    assert asked(ven) == riding[0]


@pytest.mark.spec("OpenADR 2.0b rules 328 and 335, R1_3050")
def test_a_cancellation_may_ride_in_the_answer_to_a_report() -> None:
    story, ven = offering()
    story.want(wish())
    request = asked(ven)
    story.do(story.vtn.unwant("w1", story.now, piggyback=True))
    assert ven.finds_nothing()

    reply = only(OadrUpdatedReport, ven.report(request.report_request_id, "1"))

    riding = reply.oadr_cancel_report
    assert riding is not None
    assert riding.report_request_ids == (request.report_request_id,)
    assert not riding.report_to_follow
    assert state(story, ven, request.report_request_id) is RequestState.ENDED
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b rule 335")
@pytest.mark.parametrize("to_follow", [False, True])
def test_a_ven_that_did_not_hear_a_riding_cancellation_is_told_again(to_follow: bool) -> None:
    story, ven = offering()
    story.want(wish())
    request = asked(ven).report_request_id
    story.do(story.vtn.unwant("w1", story.now, piggyback=True, to_follow=to_follow))
    first = only(OadrUpdatedReport, ven.report(request, "1")).oadr_cancel_report
    assert first is not None
    assert first.report_to_follow is to_follow

    for _ in range(to_follow):
        again = only(OadrUpdatedReport, ven.report(request, "2"))
        assert again.oadr_cancel_report is None
        assert ven.finds_nothing()
    assert only(OadrUpdatedReport, ven.report(request, "3")).oadr_cancel_report is None

    assert only(OadrCancelReport, ven.poll()).report_request_ids == (request,)


@pytest.mark.spec("OpenADR 2.0b section 8.3.2, R1_3180")
def test_several_requests_travel_in_one_message() -> None:
    story = Story()
    ven = Ven(story).register()
    ven.offer(usage_metadata("usage"), replace(usage_metadata("more"), report_name="METADATA_X"))
    wishes = (wish("w1"), wish("w2"), wish("w3", report_name="HISTORY_USAGE"))

    story.do(story.vtn.want_all(wishes, story.now))
    request = only(OadrCreateReport, ven.poll())
    ids = [one.report_request_id for one in request.oadr_report_requests]
    ven.promise(request)

    assert len(set(ids)) == 2
    assert {state(story, ven, one) for one in ids} == {RequestState.PENDING}
    assert ven.finds_nothing()


def test_a_request_of_two_that_is_dropped_leaves_the_other_in_the_message() -> None:
    story, ven = offering()
    story.do(story.vtn.want_all((wish("w1"), wish("w2")), story.now))
    story.do(story.vtn.unwant("w1", story.now))

    request = only(OadrCreateReport, ven.poll())

    assert len(request.oadr_report_requests) == 1
    found = story.vtn.page(story.now).find(
        RequestRecord, ven.ven_id, (request.oadr_report_requests[0].report_request_id,)
    )
    assert found is not None
    assert found.want_id == "w2"


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1")
def test_metadata_may_be_asked_for_periodically() -> None:
    story, ven = offering()
    story.want(wish("meta", report_name="METADATA"))
    request = asked(ven)
    assert request.report_specifier.report_back_duration == MINUTE

    for _ in range(2):
        answer = OadrRegisterReport(
            request_id="m",
            oadr_reports=(usage_metadata(),),
            ven_id=ven.ven_id,
            report_request_id=request.report_request_id,
        )
        ven.say("EiReport", answer)

    assert state(story, ven, request.report_request_id) is RequestState.PENDING


@pytest.mark.spec("OpenADR 2.0b section 6, R1_3190")
def test_a_report_under_another_specifier_is_refused() -> None:
    story, ven = offering()
    story.want(wish())
    request = asked(ven).report_request_id
    message = usage_update(ven.ven_id, request, ("1",))
    wrong = replace(message.oadr_reports[0], report_specifier_id="other")

    assert code(ven.say("EiReport", replace(message, oadr_reports=(wrong,)))) == "452"
    assert not story.told(Reported)


@pytest.mark.spec("OpenADR 2.0b rules 317, 324 and 325")
@pytest.mark.parametrize(
    "wrong",
    [
        wish(granularity=2 * MINUTE),
        wish(lasts=None),
        wish(report_name="HISTORY_USAGE", starts_at=T0),
        wish(report_name="HISTORY_USAGE", granularity=timedelta(0), report_back=timedelta(0)),
    ],
)
def test_a_wish_that_nobody_could_grant_is_refused(wrong: WantRecord) -> None:
    with pytest.raises(MisuseError, match="BAD_WISH"):
        check_wish(wrong)
    check_wish(wish())
