"""Checks and general rules of the cases for 2030.5 servers: each accepts a right story and objects to a wrong one."""

from collections.abc import Callable
from copy import copy
from datetime import timedelta

import pytest

from conformance.kit.finding import Check
from conformance.kit.sep2.build import link, make, seconds
from conformance.kit.sep2.checks import answers as a
from conformance.kit.sep2.checks import clock, paging, refused, stored
from conformance.kit.sep2.checks.identity import sfdi_of
from conformance.kit.sep2.rules_server import RULES
from conformance.kit.transcript import Connection, Side
from conformance.kit.xml import Element
from tests.sep2_serving_story import LFDI, START, Served

REQ = "REQ-TEST-1"
OTHER = "AB" * 20
Story = Callable[[Served], Served]


def told() -> Served:
    """Return a story in which the first client is known."""
    return Served().mark("suite.client", client="first", connection="1", lfdi=LFDI)


def device(lfdi: str = LFDI, **content: object) -> Element:
    usual = {"lFDI": lfdi, "sFDI": sfdi_of(lfdi), "changedTime": seconds(START)}
    found = make("EndDevice", {**usual, **content})
    found.set("href", f"/edev/{lfdi[:4]}")
    return found


def members(name: str, *rows: Element, all_: int = -1, results: int = -1) -> Element:
    counts = {
        "all": len(rows) if all_ < 0 else all_,
        "results": len(rows) if results < 0 else results,
    }
    found = make(name, {}, counts)
    found.extend(rows)
    return found


def control(number: int, start: int) -> Element:
    at = {"creationTime": seconds(START), "mRID": f"{number:024X}00040732"}
    status = {"currentStatus": 0, "dateTime": seconds(START), "potentiallySuperseded": False}
    whole = {"duration": 60, "start": seconds(START) + start}
    base = {"opModMaxLimW": 100}
    found = make(
        "DERControl", {**at, "EventStatus": status, "interval": whole, "DERControlBase": base}
    )
    found.set("href", f"/p/derc/{number}")
    return found


def inside(story: Story) -> Story:
    """Put a story into the part ``p``."""
    return lambda s: story(s.mark("p")).mark("p.over")


def time(off: int = 0, **content: object) -> Element:
    at = seconds(START) + off
    usual = {
        "currentTime": at, "dstEndTime": 0, "dstOffset": 0, "dstStartTime": 0, "localTime": at, "quality": 4,
        "tzOffset": 0,
    }  # fmt: skip
    return make("Time", {**usual, **content})


def capped(size: int) -> Element:
    return make("DERStatus", {"readingTime": seconds(START), "alarmStatus": f"{size:08X}"})


ROWS = [control(1, 60), control(2, 120), control(3, 180)]


def paged(second: str) -> Story:
    """Read three controls whole, then the second one: the one that is named."""
    whole = "/p/derc?s=0&l=255"
    right = next(row for row in map(_copy, ROWS) if row.get("href") == second)
    return lambda s: s.asks(f"GET {whole}", members("DERControlList", *map(_copy, ROWS))).asks(
        "GET /p/derc?s=1&l=1", members("DERControlList", right, all_=3)
    )


def _copy(row: Element) -> Element:
    return copy(row)


def cut_to(*numbers: int) -> Story:
    """Read three controls whole, then those after the first: these."""
    kept = [row for n, row in enumerate(map(_copy, ROWS), 1) if n in numbers]
    after = seconds(START) + 90
    return lambda s: s.asks(
        "GET /p/derc?s=0&l=255", members("DERControlList", *map(_copy, ROWS))
    ).asks(f"GET /p/derc?s=0&l=255&a={after}", members("DERControlList", *kept))


def connects(**tls: str) -> Story:
    def story(served: Served) -> Served:
        served.transcript.add(Connection(number=7, at=START, opened_by=Side.SUITE, tls=tls))
        return served.mark("suite.client", client="first", connection="7", lfdi=LFDI)

    return story


CCM = {"version": "TLSv1.2", "cipher": "ECDHE-ECDSA-AES128-CCM8"}
EDEV = "GET /edev?s=0&l=255"
CHECKS: list[tuple[Check, Story, Story]] = [
    (
        a.answers("p", 204, requirement=REQ),
        lambda s: s.asks("PUT /x", status=204),
        lambda s: s.asks("PUT /x", status=200),
    ),
    (
        a.refuses("p", requirement=REQ),
        lambda s: s.asks("GET /x", status=403).asks(EDEV, members("EndDeviceList")),
        lambda s: s.asks(EDEV, members("EndDeviceList", device())),
    ),
    (
        a.locates("p", requirement=REQ),
        lambda s: s.asks("POST /x", status=201, location="/x/1"),
        lambda s: s.asks("POST /x", status=201),
    ),
    (
        a.attribute("DERList", "pollRate", "77", requirement=REQ, part="p"),
        lambda s: s.asks("GET /d", make("DERList", {}, {"all": 0, "results": 0, "pollRate": 77})),
        lambda s: s.asks("GET /d", make("DERList", {}, {"all": 0, "results": 0})),
    ),
    (
        a.links("EndDevice", "DERListLink", requirement=REQ, own=True),
        lambda s: s.asks(EDEV, members("EndDeviceList", device(DERListLink=link("/d", 1)))),
        lambda s: s.asks(EDEV, members("EndDeviceList", device())),
    ),
    (
        a.serves("DERStatus", {"alarmStatus": "00000005"}, requirement=REQ, part="p"),
        lambda s: s.asks("GET /ders", capped(5)),
        lambda s: s.asks("GET /ders", capped(6)),
    ),
    (
        a.listed("EndDevice", 1, requirement=REQ, part="p"),
        lambda s: s.asks(EDEV, members("EndDeviceList", device())),
        lambda s: s.asks(EDEV, members("EndDeviceList", device(), device(OTHER))),
    ),
    (
        a.keeps("DERStatus", requirement=REQ, part="p"),
        lambda s: s.asks("PUT /s", body=capped(5), status=204).asks("GET /s", capped(5)),
        lambda s: s.asks("PUT /s", body=capped(5), status=204).asks("GET /s", capped(4)),
    ),
    (
        a.keeps("DERStatus", requirement=REQ, part="p"),
        lambda s: s.asks("PUT /s", body=capped(5), status=400).asks("GET /s", status=404),
        lambda s: s.asks("PUT /s", body=capped(5), status=204).asks("GET /s", status=404),
    ),
    (
        paging.pages("DERControlList", 3, requirement=REQ, part="p"),
        paged("/p/derc/2"),
        paged("/p/derc/3"),
    ),
    (
        a.patient("p", requirement=REQ),
        lambda s: s.asks("GET /tm", time()),
        lambda s: s.asks("GET /tm", time()).asks("GET /tm", status=429),
    ),
    (
        paging.ends("DERControlList", 3, requirement=REQ, part="p"),
        lambda s: s.asks("GET /p/derc?l=0", members("DERControlList", all_=3)),
        lambda s: s.asks("GET /p/derc?l=0", members("DERControlList")),
    ),
    (paging.cut("DERControlList", requirement=REQ, part="p"), cut_to(2, 3), cut_to(1, 2, 3)),
    (
        clock.tells_time(requirement=REQ, part="p"),
        lambda s: s.asks("GET /tm", time(3)),
        lambda s: s.asks("GET /tm", time(8)),
    ),
    (
        clock.tells_time(requirement=REQ, part="p"),
        lambda s: s.asks("GET /tm", time(localTime=seconds(START) + 36000, tzOffset=36000)),
        lambda s: s.asks("GET /tm", time(tzOffset=36000)),
    ),
    (
        clock.tells_time(requirement=REQ, part="p"),
        lambda s: s.asks("GET /tm", time(quality=7)),
        lambda s: s.asks("GET /tm", time(quality=2)),
    ),
    (
        refused.lets_nobody_in("p", requirement=REQ),
        lambda s: s.asks("GET /dcap", status=403),
        lambda s: s.asks("GET /dcap", make("DeviceCapability", {})),
    ),
    (
        refused.agrees("p", *CCM.values(), requirement=REQ),
        connects(**CCM),
        connects(error="handshake failure"),
    ),
    (
        stored.stored_count(1, requirement=REQ),
        lambda s: s.mark("stored.Reading", **{"0.value": "1"}),
        lambda s: s.mark("stored.Reading", **{"0.value": "1", "1.value": "1"}),
    ),
]


@pytest.mark.parametrize(("check", "right", "bad"), CHECKS, ids=lambda c: getattr(c, "name", ""))
def test_a_check_accepts_the_right_story_and_objects_to_the_wrong_one(
    check: Check, right: Story, bad: Story
) -> None:
    assert check(inside(right)(told()).transcript) == []
    assert [f.requirement for f in check(inside(bad)(told()).transcript)][:1] == [REQ]


def test_a_mirror_that_comes_again_must_lie_where_it_lay() -> None:
    check = a.same_place("one", "two", requirement=REQ)

    def story(again: str) -> Served:
        first = told().mark("one").asks("POST /mup", status=201, location="/mup/1").mark("one.over")
        return first.mark("two").asks("POST /mup", status=204, location=again).mark("two.over")

    assert check(story("/mup/1").transcript) == []
    assert check(story("/mup/2").transcript)
    assert check(story("").transcript)


def test_what_was_refused_must_have_changed_nothing() -> None:
    check = a.unchanged("one", "two", requirement=REQ)

    def story(after: Element | None, status: int = 200) -> Served:
        first = told().mark("one").asks("GET /s", capped(5)).mark("one.over")
        return first.mark("two").asks("GET /s", after, status=status).mark("two.over")

    assert check(story(capped(5)).transcript) == []
    assert check(story(capped(6)).transcript)
    assert check(story(None, 404).transcript)


def test_head_must_be_as_get() -> None:
    check = a.heads("p", requirement=REQ)

    def story(status: int) -> Served:
        return inside(lambda s: s.asks("HEAD /s", status=status).asks("GET /s", capped(5)))(told())

    assert check(story(200).transcript) == []
    assert check(story(405).transcript)


# --- general rules

EMPTY = members("EndDeviceList")
LOST = "GET /edev/3E4F"
SHOWN = members("EndDeviceList", device())
BROKEN_RULES: dict[str, tuple[Story, Story]] = {
    "RULE-SEP2-101": (
        lambda s: s.asks("GET /s", capped(5)),
        lambda s: s.asks("GET /s", make("DERStatus", {"alarmStatus": "00"})),
    ),
    "RULE-SEP2-103": (
        lambda s: s.asks("GET /edev?s=0&l=1", members("EndDeviceList", device(), all_=4)),
        lambda s: s.asks("GET /edev?s=0&l=1", members("EndDeviceList", all_=4)),
    ),
    "RULE-SEP2-104": (
        lambda s: s.asks(EDEV, SHOWN).orders("remove", lfdi=LFDI).asks(LOST, status=404),
        lambda s: s.asks(EDEV, SHOWN).asks(LOST, status=404),
    ),
    "RULE-SEP2-105": (
        lambda s: s.asks("GET /p/derc/1", control(1, 60)).asks("GET /p/derc/1", control(1, 60)),
        lambda s: s.asks("GET /p/derc/1", control(1, 60)).asks("GET /p/derc/1", _renamed()),
    ),
    "RULE-SEP2-106": (
        lambda s: s.asks("POST /x", status=201, location="/x/1"),
        lambda s: s.asks("POST /x", status=201),
    ),
    "RULE-SEP2-107": (
        lambda s: s.asks("GET /x", status=500, wrong="nonsense"),
        lambda s: s.asks("GET /x", status=500),
    ),
    "RULE-SEP2-108": (
        lambda s: s.asks("DELETE /x", status=404),
        lambda s: s.asks("DELETE /x", status=405),
    ),
    "RULE-SEP2-109": (
        lambda s: s.asks(EDEV, members("EndDeviceList", device())),
        lambda s: s.asks(EDEV, members("EndDeviceList", device(OTHER))),
    ),
    "RULE-SEP2-110": (
        lambda s: s.looks(control(1, 60), control(2, 120)),
        lambda s: s.looks(control(2, 120), control(1, 60)),
    ),
    "RULE-SEP2-111": (
        lambda s: s.asks(EDEV, members("EndDeviceList", device())),
        lambda s: s.asks(EDEV, members("EndDeviceList", device(sFDI=17))),
    ),
    "RULE-SEP2-112": (
        lambda s: s.asks("GET /tm", time(-4)),
        lambda s: s.asks("GET /tm", time(-60)),
    ),
    "RULE-SEP2-113": (
        lambda s: s.asks(EDEV, members("EndDeviceList", device())),
        lambda s: s.asks(EDEV, members("EndDeviceList", _placeless())),
    ),
}


def _renamed() -> Element:
    found = control(2, 60)
    found.set("href", "/p/derc/1")
    return found


def _placeless() -> Element:
    found = device()
    del found.attrib["href"]
    return found


@pytest.mark.parametrize("name", BROKEN_RULES)
def test_a_general_rule_accepts_the_right_and_objects_to_the_wrong(name: str) -> None:
    rule = next(rule for rule in RULES if rule.name == name)
    right, bad = BROKEN_RULES[name]

    assert rule(right(told()).transcript) == []
    assert {f.requirement for f in rule(bad(told()).transcript)} == {name}


def test_what_is_served_as_another_kind_breaks_a_rule() -> None:
    rule = next(rule for rule in RULES if rule.name == "RULE-SEP2-102")
    story = told().asks("GET /s", capped(5))

    assert rule(story.transcript) == []

    story.transcript.messages[-1].__dict__["_by_name"] = {"content-type": "text/xml"}
    assert {f.requirement for f in rule(story.transcript)} == {"RULE-SEP2-102"}


def test_a_document_that_nobody_put_yet_may_be_missing() -> None:
    rule = next(rule for rule in RULES if rule.name == "RULE-SEP2-104")
    der = make("DER", {"DERStatusLink": link("/ders")})
    story = told().asks("GET /der", der).asks("GET /ders", status=404)

    assert rule(story.transcript) == []

    story.asks("PUT /ders", body=capped(1), status=204).asks("GET /ders", status=404)
    assert rule(story.transcript)


def test_time_that_passes_takes_nothing_away() -> None:
    rule = next(rule for rule in RULES if rule.name == "RULE-SEP2-104")
    story = told().asks(EDEV, SHOWN).wait(timedelta(days=1).total_seconds()).asks(LOST, status=404)

    assert rule(story.transcript)
