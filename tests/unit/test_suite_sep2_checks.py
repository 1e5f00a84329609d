"""General rules and the reader of tables for 2030.5: each accepts what is right and finds what is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from conformance.kit.sep2.build import link, make, written
from conformance.kit.sep2.checks.events import never_responds, responds, spread, timely
from conformance.kit.sep2.checks.reporting import has_fields, puts_once, settings_fit
from conformance.kit.sep2.checks.subscriptions import posts_at_most
from conformance.kit.sep2.checks.walk import polls, reads_all
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.reading import carried, managed, responses
from conformance.kit.sep2.rules import RULES
from conformance.kit.sep2.tables import document_faults, tables
from conformance.kit.transcript import Mark, Part, Side, Transcript
from conformance.kit.xml import parse

START = datetime(2026, 5, 4, 13, tzinfo=UTC)
LFDI = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
MRID = "258446A9629CB78A826FA2D300009F1C"
SEP = ("Content-Type", "application/sep+xml")
USUAL = (("Host", "localhost"), ("Accept", "application/sep+xml"), SEP)


class Story:
    """A transcript in the making; every step takes a second unless it says otherwise."""

    def __init__(self) -> None:
        self.transcript = Transcript(case="CSIP-CLI-EVT-001", mode="der")
        self.at = START
        self.number = 0
        self.mark("suite.entry", path="/dcap", lfdi=LFDI)

    def wait(self, seconds: float) -> "Story":
        self.at += timedelta(seconds=seconds)
        return self

    def mark(self, name: str, **values: str) -> "Story":
        self.number += 1
        elapsed = (self.at - START).total_seconds()
        self.transcript.add(
            Mark(number=self.number, name=name, at=self.at, elapsed_s=elapsed, values=values)
        )
        return self

    def _add(
        self,
        sender: Side,
        part: Part,
        start: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        exchange: int,
    ) -> int:
        self.number += 1
        self.transcript.add(
            Sep2Message(
                number=self.number,
                sender=sender,
                part=part,
                connection=1,
                exchange=exchange or self.number,
                at=self.at,
                elapsed_s=(self.at - START).total_seconds(),
                start=start,
                headers=headers,
                body=body,
            )
        )
        return self.number

    def asks(
        self,
        start: str,
        body: bytes = b"",
        answer: bytes = b"",
        status: str = "200 OK",
        headers: tuple[tuple[str, str], ...] = USUAL,
    ) -> "Story":
        self.wait(1)
        asked = self._add(Side.DEVICE, Part.REQUEST, f"{start} HTTP/1.1", headers, body, 0)
        self._add(Side.SUITE, Part.RESPONSE, f"HTTP/1.1 {status}", (SEP,), answer, asked)
        return self

    def enters(self) -> "Story":
        lists = {"EndDeviceListLink": link("/edev", 1), "TimeLink": link("/tm")}
        return self.asks("GET /dcap", answer=written(make("DeviceCapability", lists))).asks(
            "GET /edev?s=0&l=9", answer=devices(LFDI)
        )

    def brings(self, required: str = "07") -> "Story":
        self.mark("suite.publish", control="one", mrid=MRID)
        lists = {"DERControlListLink": link("/derc", 1)}
        program = {"mRID": "0A", "primacy": 1, **lists}
        listed = make("DERProgramList", {"DERProgram": [program]}, {"all": 1, "results": 1})
        self.asks("GET /edev", answer=written(listed))
        return self.asks("GET /derc?s=0&l=9", answer=controls(required))

    def responds(
        self, status: int, lfdi: str = LFDI, where: str = "/rsp", answer: str = "201 Created"
    ) -> "Story":
        body = make(
            "DERControlResponse",
            {"createdDateTime": self.at, "endDeviceLFDI": lfdi, "status": status, "subject": MRID},
        )
        return self.asks(f"POST {where}", written(body), status=answer)


def devices(*lfdis: str) -> bytes:
    rows = [{"lFDI": lfdi, "sFDI": 1, "changedTime": 0} for lfdi in lfdis]
    return written(make("EndDeviceList", {"EndDevice": rows}, {"all": 1, "results": 1}))


def controls(required: str) -> bytes:
    control = make(
        "DERControl",
        {
            "mRID": MRID,
            "creationTime": 0,
            "EventStatus": {"currentStatus": 0, "dateTime": 0, "potentiallySuperseded": False},
            "interval": {"duration": 60, "start": START},
            "DERControlBase": {"opModMaxLimW": 5000},
        },
        {"replyTo": "/rsp", "responseRequired": required},
    )
    return written(make("DERControlList", {"DERControl": [control]}, {"all": 1, "results": 1}))


def found(story: Story) -> set[str]:
    """Return the rules that object to a story."""
    return {f.requirement for rule in RULES for f in rule(story.transcript)}


def test_a_good_story_violates_no_rule() -> None:
    story = Story().enters().brings().responds(1).responds(2).responds(3)

    assert found(story) == set()


STATUS = written(make("DERStatus", {"readingTime": START}))
PLAIN = ("Content-Type", "application/xml")
SWAPPED = (
    b"<DERStatus xmlns='urn:ieee:std:2030.5:ns'><readingTime>1</readingTime>"
    b"<alarmStatus>00</alarmStatus></DERStatus>"
)


@pytest.mark.parametrize(
    ("rule", "story"),
    [
        ("001", Story().enters().asks("PUT /edev", SWAPPED)),
        ("001", Story().enters().asks("PUT /edev", b"<DERStatus")),
        ("002", Story().asks("GET /dcap", headers=(("Host", "x"), ("Accept", "application/xml")))),
        ("002", Story().enters().asks("PUT /edev", STATUS, headers=(("Host", "x"), PLAIN))),
        ("003", Story().asks("GET /dcap", headers=USUAL[1:])),
        ("004", Story().enters().asks("GET /edev/7")),
        ("005", Story().enters().asks("GET /edev?limit=7")),
        ("005", Story().enters().asks("GET /edev?l=-7")),
        ("006", Story().enters().brings().responds(1).responds(1)),
        ("007", Story().enters().brings("02").responds(1)),
        ("007", Story().enters().brings("01").responds(2)),
        ("007", Story().enters().brings().responds(1, where="/edev")),
        ("007", Story().enters().responds(1)),
        ("008", Story().enters().brings().responds(1, lfdi="0" * 39 + "7")),
        ("009", Story().enters().brings().responds(1, lfdi=LFDI.lower())),
        ("010", Story().enters().asks("PUT /edev", status="405 Method Not Allowed")),
    ],
)
def test_each_rule_finds_what_it_is_about(rule: str, story: Story) -> None:
    assert f"RULE-SEP2-{rule}" in found(story)


def test_a_response_that_was_not_taken_may_come_again() -> None:
    story = Story().enters().brings().responds(1, answer="503 Service Unavailable").responds(1)

    assert found(story) == set()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<Time><currentTime>1</currentTime></Time>", "dstEndTime is missing"),
        ("<DERStatus><readingTime>x</readingTime></DERStatus>", "no integer"),
        ("<DERStatus><readingTime>1</readingTime><more/></DERStatus>", "unknown here"),
        ("<DERStatus><alarmStatus>0</alarmStatus><readingTime>1</readingTime></DERStatus>", "hex"),
        ("<DERList all='1'/>", "attribute results"),
        ("<DERList all='1' results='-1'/>", "not in 0.."),
        ("<Nothing/>", "no document"),
    ],
)
def test_the_reader_of_tables_says_what_is_wrong(text: str, fault: str) -> None:
    head, _, rest = text.partition(" " if " " in text.partition(">")[0] else ">")
    joint = text[len(head)] if len(text) > len(head) else ""
    space = " xmlns='urn:ieee:std:2030.5:ns'"
    if head.endswith("/"):
        head, space = head[:-1], f"{space}/"
    root = parse(f"{head}{space}{joint}{rest}".encode()).root

    assert root is not None
    assert fault in next(document_faults(root))


def test_builder_puts_elements_into_the_order_of_the_tables() -> None:
    control = parse(controls("07")).root

    assert control is not None
    assert list(document_faults(control)) == []
    names = [name.rpartition("}")[2] for name in tables().order("EventStatus")]
    assert names[:2] == ["currentStatus", "dateTime"]


def test_responses_in_order_are_demanded() -> None:
    check = responds("one", 1, 2, requirement="R")

    assert check(Story().enters().brings().responds(1).responds(2).transcript) == []
    assert check(Story().enters().brings().responds(2).transcript)[0].observed == "2"
    assert check(Story().enters().brings().responds(1).asks("GET /dcap").transcript)[0].late
    assert check(Story().enters().brings().responds(1).responds(2).responds(3).transcript)
    assert never_responds("one", 3, requirement="R")(
        Story().enters().brings().responds(3).transcript
    )
    assert not never_responds("one", 3, requirement="R")(Story().enters().brings().responds(1).transcript)  # fmt: skip


def test_a_response_out_of_time_is_found() -> None:
    check = timely("one", 2, "starts", requirement="R", late=timedelta(seconds=5))
    good = Story().enters().brings()
    good.mark("starts", at=good.at.isoformat()).responds(2)
    late = Story().enters().brings()
    late.mark("starts", at=late.at.isoformat()).wait(9).responds(2)
    early = Story().enters().brings()
    early.mark("starts", at=(early.at + timedelta(seconds=9)).isoformat()).responds(2)

    assert check(good.transcript) == []
    assert [len(check(s.transcript)) for s in (late, early)] == [1, 1]


def test_starts_at_one_distance_are_no_randomisation() -> None:
    story = Story().enters().brings()
    story.mark("suite.publish", control="c0", mrid=MRID).mark("c0.starts", at=story.at.isoformat())
    story.responds(2)

    assert spread("c", 1, requirement="R", least=timedelta(seconds=9))(story.transcript)
    assert not spread("c", 1, requirement="R", least=timedelta(0))(story.transcript)


def test_polls_too_rare_and_too_often_are_found() -> None:
    def story(*gaps: float) -> Transcript:
        told = Story().mark("case.prepared")
        for gap in gaps:
            told.wait(gap - 1).asks("GET /dcap", answer=written(make("DeviceCapability", {})))
        return told.transcript

    check = polls("DeviceCapability", timedelta(seconds=60), requirement="R", too_often="S")
    assert check(story(1, 60, 60)) == []
    assert [f.requirement for f in check(story(1, 95))] == ["R"]
    assert [f.requirement for f in check(story(1, 20, 20))] == ["S"]
    assert reads_all("Time", requirement="R")(story(1))[0].observed == "none"
    assert reads_all("DeviceCapability", requirement="R")(story(1)) == []


def test_settings_above_ratings_are_found() -> None:
    def told(most: int, own: int) -> Transcript:
        rating = {"modesSupported": "03", "rtgMaxW": {"multiplier": 1, "value": most}, "type": 4}
        setting = {
            "setGradW": 1,
            "setMaxW": {"multiplier": 0, "value": own},
            "updatedTime": 0,
        }
        story = Story().asks("PUT /a", written(make("DERCapability", rating)), status="204 No")
        return story.asks(
            "PUT /b", written(make("DERSettings", setting)), status="204 No"
        ).transcript

    assert settings_fit(requirement="R")(told(500, 5000)) == []
    assert settings_fit(requirement="R")(told(500, 5001))[0].path == "s:setMaxW"
    assert puts_once("DERCapability", requirement="R")(told(1, 1)) == []
    assert puts_once("DERStatus", requirement="R")(told(1, 1))[0].late
    assert has_fields("DERSettings", "s:setMaxVA", requirement="R")(told(1, 1))


def test_managed_devices_are_those_that_are_not_its_own() -> None:
    other = f"{1:040X}"
    story = Story().asks("GET /edev", answer=devices(other, LFDI))

    assert managed(story.transcript) == [other]
    assert responses(story.transcript, lfdi="#0") == []


@pytest.mark.parametrize(
    ("status", "healthy"), [("204 No Content", True), ("404 Not Found", False)]
)
def test_a_line_that_took_what_was_put_has_carried(status: str, *, healthy: bool) -> None:
    story = Story().enters().mark("moved").asks("PUT /ders", STATUS, status=status)

    judge = reads_all("DERProgramList", requirement="REQ-SEP2-4.5-1", after="moved")

    assert [f.healthy for f in judge(story.transcript)] == [healthy]


def test_nothing_is_shown_of_a_line_on_which_nothing_was_said() -> None:
    story = Story().enters()

    assert carried(story.transcript, None, story.at) is carried(story.transcript, story.at, None)
    assert not carried(story.transcript, story.at + timedelta(seconds=1), story.at)


def test_a_curve_may_be_read_by_the_link_of_its_control() -> None:
    curve = {
        "mRID": "0A",
        "CurveData": [{"xvalue": 1, "yvalue": 2}],
        "creationTime": 0,
        "curveType": 11,
        "xMultiplier": 0,
        "yMultiplier": 0,
        "yRefType": 2,
    }
    check = reads_all("DERCurveList", requirement="REQ-SEP2-10.10-2")
    unread = Story().enters()
    read = Story().enters().asks("GET /curve/1", answer=written(make("DERCurve", curve)))
    refused = Story().enters().asks("GET /curve/1", status="404 Not Found")

    assert len(list(check(unread.transcript))) == 1
    assert list(check(read.transcript)) == []
    assert len(list(check(refused.transcript))) == 1


def test_what_was_to_end_is_not_missed_before_the_script_came_so_far() -> None:
    body = {
        "subscribedResource": "/edev",
        "encoding": 0,
        "level": "+S1",
        "limit": 1,
        "notificationURI": "https://127.0.0.1/n",
    }
    check = posts_at_most("", 0, requirement="REQ-SEP2-8.9-11", after="unsubscribed")
    sent = written(make("Subscription", body))
    links = written(
        make(
            "EndDevice",
            {"lFDI": LFDI, "sFDI": 1, "changedTime": 0, "SubscriptionListLink": link("/sub", 0)},
        )
    )
    early = (
        Story()
        .enters()
        .asks("GET /edev", answer=links)
        .asks("POST /sub", sent, status="201 Created")
    )

    assert list(check(early.transcript)) == []
    early.mark("unsubscribed").asks("POST /sub", sent, status="201 Created")
    assert [f.observed for f in check(early.transcript)] == ["1"]
