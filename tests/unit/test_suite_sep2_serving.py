"""Checks of what a 2030.5 server shows, tells and keeps: each accepts what is right and finds what is wrong."""

from datetime import timedelta

import pytest

from conformance.kit.sep2.build import make
from conformance.kit.sep2.checks import noticed, shown, stored
from conformance.kit.sep2.noticed import notice_seen, notified
from conformance.kit.sep2.values import aus_limit, limit
from tests.sep2_serving_story import (
    LFDI,
    LIMIT,
    MINUTE,
    MRID,
    START,
    Served,
    control,
    element,
    found,
    listing,
    notification,
    subscription,
)

REQ = "REQ-CSIPAUS-S-ALL-11-1"
ONE = control()
ENDS = START + 3 * MINUTE


def lived() -> Served:
    story = Served().publishes(ONE).looks(element(ONE))
    story.wait(66).looks(element(ONE, 1, ONE.start)).wait(108).looks(element(ONE, 1, ONE.start))
    return story.wait(27).looks()


# --- controls


def test_the_whole_life_of_a_control_is_accepted() -> None:
    for check in (
        shown.shows("one", requirement=REQ),
        shown.unedited("one", requirement=REQ),
        shown.stands("one", requirement=REQ),
        shown.independent("one", requirement=REQ),
        shown.ordered("program", requirement=REQ),
        shown.all_listed("program", requirement=REQ),
        shown.all_stand("program", requirement=REQ),
    ):
        assert found(check, lived()) == [], check.name


@pytest.mark.parametrize(
    ("base", "seen"),
    [
        ({"aus:opModExpLimW": {"multiplier": 3, "value": 2}}, []),
        ({"aus:opModExpLimW": {"multiplier": 0, "value": 200}}, ["opModExpLimW: multiplier=0 value=200"]),
        (aus_limit("Imp", 2000), ["opModExpLimW: none", "opModImpLimW: multiplier=0 value=2000"]),
        ({**LIMIT, "opModConnect": True}, ["opModConnect: true"]),
    ],
)  # fmt: skip
def test_another_mode_or_value_is_found(base: dict[str, object], seen: list[str]) -> None:
    story = Served().publishes(ONE).looks(element(ONE, content={"DERControlBase": base}))
    rows = found(shown.shows("one", requirement=REQ), story)
    assert rows == [f"s:DERControlBase/{row}" for row in seen]


def test_other_times_and_other_responses_are_found() -> None:
    given = control(random_start=30, required="03")
    wrong = control(
        start=ONE.start + timedelta(seconds=1), lasts=MINUTE, random_start=-30, required="01"
    )
    story = Served().publishes(given).looks(element(wrong))
    assert [row.partition(":")[0] for row in found(shown.shows("one", requirement=REQ), story)] == [
        "s", "s", "s", "@responseRequired",
    ]  # fmt: skip
    switch = control(base={"opModEnergize": False})
    for text, wanted in (("0", 0), ("false", 0), ("true", 1)):
        row = element(switch, content={"DERControlBase": {"opModEnergize": text}})
        story = Served().publishes(switch).looks(row)
        assert len(found(shown.shows("one", requirement=REQ), story)) == wanted, text


def test_a_control_that_stands_otherwise_than_time_says_is_found() -> None:
    check = shown.stands("one", requirement=REQ)
    for seconds, row, seen in (
        (6, element(ONE, 1, ONE.start), "active"),
        (66, element(ONE), "scheduled"),
        (66, None, "not listed"),
        (57, element(ONE), ""),
        (63, element(ONE), ""),
        (190, element(ONE, 1, ONE.start), ""),
        (203, element(ONE, 1, ONE.start), ""),
        (206, element(ONE, 1, ONE.start), "active"),
        (206, element(ONE, 5, ENDS), ""),
    ):
        story = Served().publishes(ONE).wait(seconds)
        story.looks(*(() if row is None else (row,)))
        rows = found(check, story)
        assert rows == ([f"DERControl one: {seen}"] if seen else []), seconds


def test_all_controls_are_judged_at_once() -> None:
    check = shown.all_stand("program", requirement=REQ)
    story = Served().publishes(ONE).wait(66).looks(element(ONE))
    assert found(check, story) == ["DERControl one: scheduled"]
    base = {"DERControlBase": aus_limit("Exp", 1)}
    story = Served().publishes(ONE).looks(element(ONE, content=base))
    assert found(check, story) == ["s:DERControlBase/opModExpLimW: multiplier=0 value=1"]


def test_the_moment_of_a_change_is_told() -> None:
    story = Served().publishes(ONE).wait(90).looks(element(ONE, 1, START))
    assert found(shown.stands("one", requirement=REQ), story) == [
        "s:EventStatus/s:dateTime: 2026-05-04 13:00:00"
    ]


def test_a_cancelled_control_stays_listed_for_a_while() -> None:
    check = shown.stands("one", requirement=REQ)
    ended = element(ONE, 2, START + MINUTE * 1.5)
    for seconds, row, seen in (
        (0, element(ONE, 1, ONE.start), []),
        (6, ended, []),
        (6, element(ONE, 1, ONE.start), ["DERControl one: active"]),
        (4, None, ["DERControl one: not listed"]),
        (30, None, []),
        (30, ended, []),
    ):
        story = Served().publishes(ONE).wait(90).cancels("one").wait(seconds)
        assert found(check, story.looks(*(() if row is None else (row,)))) == seen, seconds


def test_a_superseded_control_says_so_from_the_start_of_the_other() -> None:
    other = control("two", start=START + 2 * MINUTE)
    check = shown.stands("one", requirement=REQ, superseded_by="two")
    for status, since, seen in (
        (4, other.start, []),
        (1, ONE.start, ["DERControl one: active"]),
    ):
        story = Served().publishes(ONE).publishes(other).wait(130)
        assert found(check, story.looks(element(ONE, status, since))) == seen
    story = Served().publishes(ONE).wait(70).looks(element(ONE, 4, START + MINUTE))
    assert found(shown.independent("one", requirement=REQ), story) == [
        "s:EventStatus/s:currentStatus: 4"
    ]


@pytest.mark.parametrize(
    ("later", "seen"),
    [
        (element(ONE, 1, ONE.start, mrid="F" * 32), "s:mRID"),
        (element(ONE, 1, ONE.start, content={"creationTime": 5}), "s:creationTime"),
        (element(ONE, 1, ONE.start, version=0), "s:version"),
        (element(ONE, 0, version=7), ""),
    ],
)
def test_an_edited_control_is_found(later: object, seen: str) -> None:
    story = Served().publishes(ONE).looks(element(ONE)).wait(66).looks(later)  # type: ignore[arg-type] # an element
    rows = found(shown.unedited("one", requirement=REQ), story)
    assert [row.partition(": ")[0] for row in rows] == ([seen] if seen else [])


def test_a_control_made_at_another_time_is_found() -> None:
    story = Served().wait(30).publishes(ONE).looks(element(ONE))
    assert found(shown.unedited("one", requirement=REQ), story) == [
        "s:creationTime: 2026-05-04 13:00:00"
    ]


def test_order_and_completeness_of_a_list() -> None:
    two = control("two", start=START + 5 * MINUTE)
    story = Served().publishes(ONE).publishes(two)
    story.looks(element(two, mrid="01"), element(ONE)).looks(element(ONE), element(two, mrid="01"))
    assert found(shown.ordered("program", requirement=REQ), story) == ["order: two one"]
    assert found(shown.all_listed("program", requirement=REQ), story) == []
    story.looks(element(two, mrid="01"), element(control("three"), mrid="02"))
    assert found(shown.all_listed("program", requirement=REQ), story) == [
        "DERControl: not listed",
        "DERControl: three",
    ]


def test_pages_that_follow_each_other_are_one_look() -> None:
    two = control("two", start=START + 5 * MINUTE)
    story = Served().publishes(ONE).publishes(two)
    story.asks("GET /p/derc?s=0&l=1", listing(element(ONE), every=2))
    assert found(shown.all_listed("program", requirement=REQ), story) == []
    story.asks("GET /p/derc?s=1&l=1", listing(element(two, mrid="01"), every=2))
    assert found(shown.all_listed("program", requirement=REQ), story) == []
    story.asks("GET /p/derc?s=0&l=1", listing(element(ONE), every=2))
    story.asks("GET /p/derc?s=1&l=1", listing(element(ONE), every=2))
    assert found(shown.all_listed("program", requirement=REQ), story) == ["DERControl: not listed"]


# --- defaults and programs


def default(base: object = LIMIT, version: int = 0, **settings: int) -> object:
    content = {"mRID": "0D", "version": version, "DERControlBase": base, **settings}
    return make("DefaultDERControl", content, {"href": "/p/dderc"})


@pytest.mark.parametrize(
    ("later", "seen"),
    [
        (default(limit(50), 1, setGradW=27), []),
        (default(limit(60), 1, setGradW=27), ["s:DERControlBase/opModMaxLimW: 6000"]),
        (default(limit(50), 1), ["s:setGradW: none"]),
        (default(limit(50), 0, setGradW=27), ["s:version: 0"]),
    ],
)
def test_a_default_is_shown_as_it_was_set_last(later: object, seen: list[str]) -> None:
    story = Served().defaults(LIMIT).asks("GET /p/dderc", default())  # type: ignore[arg-type] # an element
    story.defaults(limit(50), {"setGradW": 27}).asks("GET /p/dderc", later)  # type: ignore[arg-type] # an element
    assert found(shown.shows_default("program", requirement=REQ), story) == seen


def test_primacy_is_shown_and_orders_programs() -> None:
    check = shown.ranks(("program", 10), requirement=REQ)
    assert found(check, Served()) == []
    assert found(check, Served().program(11)) == ["s:primacy: 11"]
    rows = [{"mRID": "0B", "primacy": 3}, {"mRID": "0C", "primacy": 2}]
    listed = make("DERProgramList", {"DERProgram": rows}, {"all": 2, "results": 2})
    assert found(check, Served().asks("GET /derp?l=9", listed)) == ["order: [3, 2]"]


# --- notifications


def subscribed(limit_: int = 10) -> Served:
    return Served().asks("POST /s", body=subscription(limit=limit_), status=201, location="/s/1")


def told(
    story: Served, *rows: object, status: int = 201, uri: str = "/n/1", **how: object
) -> Served:
    return story.notifies(uri, notification(listing(*rows), **how), status)  # type: ignore[arg-type] # elements, by name


def test_a_subscription_is_taken_and_renewed_in_its_place() -> None:
    takes, renews = noticed.subscribes(requirement=REQ), noticed.renews(requirement=REQ)
    story = subscribed().asks("POST /s", body=subscription(), status=204, location="/s/1")
    assert found(takes, story) == found(renews, story) == []
    moved = subscribed().asks("POST /s", body=subscription(), status=201, location="/s/2")
    assert found(renews, moved) == ["Location: /s/2"]
    for status, location, seen in ((200, "/s/1", "status: 200"), (201, "", "Location: none")):
        story = Served().asks("POST /s", body=subscription(), status=status, location=location)
        assert found(takes, story) == [seen]
    rows = [dict.fromkeys(("subscribedResource", "notificationURI"), "/x")] * 2
    twice = [{**row, "encoding": 0, "level": "+S1", "limit": 1} for row in rows]
    listed = make("SubscriptionList", {"Subscription": twice}, {"all": 2, "results": 2})
    assert found(renews, Served().asks("GET /s?l=9", listed)) == ["s:Subscription: more than once"]


def test_a_notification_fits_its_subscription() -> None:
    check = noticed.well_told(requirement=REQ)
    one = element(ONE)
    assert found(check, told(subscribed().looks(), one)) == []
    for story, seen in (
        (told(subscribed(), one, uri="/n/2"), "path: /n/2"),
        (told(subscribed(), one, resource="/p"), "s:subscribedResource: /p"),
        (told(subscribed(), one, subscription="/s/2"), "s:subscriptionURI: /s/2"),
        (told(subscribed(), one, status=201, uri="/n/1"), ""),
        (told(subscribed(0), one), "s:Resource: 1"),
        (subscribed().notifies("/n/1", notification(None)), "s:Resource: none"),
        (subscribed(0).notifies("/n/1", notification(None)), ""),
    ):
        assert found(check, story) == ([seen] if seen else [])
    program = notification(make("DERProgramList", {}, {"all": 0, "results": 0}))
    assert found(check, subscribed().looks().notifies("/n/1", program)) == [
        "s:Resource/@xsi:type: DERProgramList"
    ]
    few = notification(listing(element(ONE), every=0))
    assert found(check, subscribed().looks().notifies("/n/1", few)) == ["s:Resource/@all: 0"]


def test_a_change_is_told_soon_and_once() -> None:
    tells = noticed.tells("DERControlList", "program", mark="changed", requirement=REQ)
    once = noticed.once_each("DERControlList", "program", requirement=REQ)
    story = told(subscribed().mark("changed").wait(10), element(ONE))
    assert found(tells, story) == found(once, story) == []
    assert notice_seen("DERControlList", "program", mark="changed").count(story.transcript) == 1
    assert found(once, told(story, element(ONE))) == ["s:Resource: the same"]
    assert found(once, told(story, element(ONE, 2))) == ["s:Resource: the same"]
    late = told(subscribed().mark("changed").wait(61), element(ONE))
    assert found(tells, late) == [": after 61 s"]
    assert found(tells, subscribed().mark("changed").wait(61)) == [": none"]
    assert found(tells, told(subscribed(), element(ONE)).mark("changed")) == [": none"]


def test_silence_is_demanded_between_marks() -> None:
    check = noticed.quiet("DERControlList", "program", mark="a", until="b", requirement=REQ)
    assert (
        found(check, told(told(subscribed(), element(ONE)).mark("a").mark("b"), element(ONE))) == []
    )
    story = told(subscribed().mark("a"), element(ONE)).mark("b")
    assert found(check, story) == [": one of /p/derc"]


def test_the_end_of_a_subscription_is_told() -> None:
    check = noticed.ends("4", what="DERControlList", of="program", mark="gone", requirement=REQ)

    def ended(status: int) -> Served:
        return subscribed().mark("gone").notifies("/n/1", notification(None, status=status))

    assert found(check, ended(4)) == []
    assert found(check, ended(1)) == ["s:status: 1"]
    assert found(check, told(ended(4), element(ONE))) == [": /p/derc"]
    assert found(check, subscribed().mark("gone")) == [": none"]


def test_a_notification_says_what_is_read() -> None:
    check = noticed.equals_read("DERControlList", "program", mark="changed", requirement=REQ)
    story = told(subscribed().mark("changed"), element(ONE))
    assert found(check, story.looks(element(ONE))) == []
    story = told(subscribed().mark("changed"), element(ONE))
    assert found(check, story.looks(element(ONE, 2))) == ["s:Resource//p/derc/one: else"]
    story = told(subscribed().mark("changed"), element(ONE))
    assert found(check, story.looks()) == ["s:Resource/@all: 1"]


def test_what_could_not_be_told_comes_again_and_not_at_once() -> None:
    again = noticed.tells_again(
        "DERControlList", "program", mark="up", within=10 * MINUTE, requirement=REQ
    )
    patient = noticed.patient(requirement=REQ)
    story = told(subscribed(), element(ONE), status=503).mark("up").wait(30)
    assert found(again, story) == [": none"]
    assert found(again, told(story, element(ONE))) == found(patient, story) == []
    assert found(again, told(story.wait(700), element(ONE))) == []
    late = told(subscribed().mark("up").wait(700), element(ONE))
    assert found(again, late) == [": after 700 s"]
    hasty = told(told(subscribed(), element(ONE), status=500), element(ONE))
    assert found(patient, hasty) == [": 0 s"]


def test_a_script_waits_for_a_notification() -> None:
    story = subscribed()
    condition = notified("DERControlList", "program")
    assert condition(story.transcript) is None
    assert condition(told(story, element(ONE), status=500).transcript) is None
    assert condition(told(story, element(ONE)).transcript) is not None
    since = notified("DERControlList", "program", mark="later")
    assert since(story.mark("later").transcript) is None


def test_a_status_is_brought_after_its_change() -> None:
    check = noticed.brings("one", 2, mark="cancelled", requirement=REQ)
    story = told(subscribed(), element(ONE, 2)).mark("cancelled")
    assert found(check, story) == [": none"]
    assert found(check, told(story, element(ONE, 1))) == [
        "DERControl one/EventStatus/currentStatus: 1"
    ]
    assert found(check, told(story.wait(50), element(ONE, 2))) == []
    late = told(subscribed().mark("cancelled").wait(61), element(ONE, 2))
    assert found(check, late) == ["DERControl one/EventStatus/currentStatus: 2"]


def test_a_refusal_explains_itself() -> None:
    check = stored.explains("a condition", 3, requirement=REQ)
    for status, code, seen in ((400, 3, []), (400, 1, ["s:reasonCode: status 400, 1"])):
        story = Served().asks(
            "POST /s",
            make("Error", {"reasonCode": code}),
            body=subscription(),
            status=status,
            wrong="a condition",
        )
        assert found(check, story) == seen


# --- what is kept


def responds(story: Served, status: int, answer: int = 201, wrong: str = "") -> Served:
    body = make("DERControlResponse", {"endDeviceLFDI": LFDI, "status": status, "subject": MRID})
    where = "/rsp/1" if answer == 201 else ""
    return story.asks("POST /rsp", body=body, status=answer, location=where, wrong=wrong)


def test_responses_are_taken_and_kept() -> None:
    takes = stored.takes("DERControlResponse", requirement=REQ)
    keeps = stored.stores_responses("one", 1, 2, requirement=REQ)
    story = responds(responds(lived(), 1), 2)
    kept = {"0.subject": MRID.lower(), "0.status": "1", "1.subject": MRID, "1.status": "2"}
    story.mark("stored.Response", **kept)
    assert found(takes, story) == found(keeps, story) == []
    story.mark("stored.Response", **{"0.subject": MRID, "0.status": "1"})
    assert found(keeps, story) == ["status: 1"]
    assert found(takes, responds(lived(), 1, 403)) == ["status: 403"]
    assert found(takes, responds(lived(), 1, 403, "unknown subject")) == []


def test_what_is_wrong_is_refused() -> None:
    check = stored.refuses(requirement=REQ)
    assert found(check, responds(lived(), 99, 400, "no such status")) == []
    assert found(check, responds(lived(), 99, 201, "no such status")) == ["status: 201"]
    assert found(check, responds(lived(), 99, 500, "no such status")) == ["status: 500"]


def test_a_refusal_is_a_document() -> None:
    check = stored.explained("change", requirement=REQ)
    for answer, seen in ((make("Error", {"reasonCode": 1}), []), (None, [": no document"])):
        story = Served().mark("change").asks("PUT /cp", answer, status=403).mark("change.over")
        assert found(check, story) == seen


def test_readings_are_kept_by_value() -> None:
    check = stored.stores_readings(requirement=REQ)
    meter = {
        "mRID": "0E",
        "Reading": {"timePeriod": {"duration": 60, "start": START}, "value": 42},
        "ReadingType": {"powerOfTenMultiplier": 2, "uom": 38},
    }
    mirror = {
        "mRID": "0F",
        "roleFlags": "0003",
        "serviceCategoryKind": 0,
        "status": 1,
        "deviceLFDI": LFDI,
        "MirrorMeterReading": [meter],
    }
    body = make("MirrorUsagePoint", mirror)
    at = str(round(START.timestamp()))
    for value, power, seen in (("42", "2", []), ("4200", "", []), ("42", "0", ["s:value: 42"])):
        story = Served().asks("POST /mup", body=body, status=201, location="/mup/1")
        row = {"0.value": value, "0.timePeriod.start": at, "0.powerOfTenMultiplier": power}
        assert found(check, story.mark("stored.Reading", **row)) == seen
