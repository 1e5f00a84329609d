"""The checks of the CSIP-AUS cases: each accepts what is right and refuses what is not; the plant obeys."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from conformance.kit.finding import Check
from conformance.kit.sep2.averages import SITE
from conformance.kit.sep2.checks.averages import Bounds, aligned, mirrors, signed_by_pen, stays
from conformance.kit.sep2.checks.identity import names_its_meter, sfdi_of
from conformance.kit.sep2.checks.prices import costs
from conformance.kit.sep2.checks.status import MODE, bit, says, tells
from conformance.kit.sep2.checks.storage import energies_fit, holds_no_more, levels, moves
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.transcript import Mark, Part, Side, Transcript
from conformance.reference.sep2client import aus, reports
from conformance.reference.sep2client.plant import STORAGE_TARGET, Plant
from conformance.reference.sep2client.settings import Settings

START = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LFDI = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
RULE = "REQ-CSIPAUS-ALL-06-1"


class Story:
    """A transcript that is told step by step."""

    def __init__(self) -> None:
        self.transcript = Transcript(case="X", mode="csipaus")
        self.at = START
        self._number = 0

    def _next(self) -> int:
        self._number += 1
        return self._number

    def mark(self, name: str, values: Mapping[str, str] | None = None) -> None:
        """Set a mark."""
        told = Mark(number=self._next(), name=name, at=self.at, elapsed_s=0.0, values=values or {})
        self.transcript.add(told)

    def send(self, method: str, body: bytes) -> None:
        """Have the client send a document, which is taken."""
        number = self._next()
        headers = (("Content-Type", "application/sep+xml"),)
        for part, sender, start, content in (
            (Part.REQUEST, Side.DEVICE, f"{method} /x HTTP/1.1", body),
            (Part.RESPONSE, Side.SUITE, "HTTP/1.1 204 No Content", b""),
        ):
            one = Sep2Message(
                number=number if part is Part.REQUEST else self._next(),
                sender=sender, part=part, connection=1, exchange=number, at=self.at,
                elapsed_s=(self.at - START).total_seconds(), start=start, headers=headers, body=content,
            )  # fmt: skip
            self.transcript.add(one)


def _judged(check: Check, story: Story) -> list[str]:
    return [found.observed for found in check(story.transcript)]


def _mirrored(watts: float, start: datetime = START, lasts: int = 60) -> Story:
    story = Story()
    story.mark("first", {"at": START.isoformat()})
    story.mark("last", {"at": (START + MINUTE).isoformat()})
    story.send("POST", aus.mirror(LFDI, aus.SITE))
    story.send("POST", aus.readings(LFDI, aus.SITE, {"W": watts}, start, lasts))
    return story


@pytest.mark.parametrize(("watts", "fits"), [(4_990, True), (5_090, True), (5_200, False)])
def test_a_site_stays_below_its_limit_or_does_not(watts: int, fits: bool) -> None:
    check = stays(SITE, Bounds(most=5_000), "first", "last", requirement=RULE)

    assert (_judged(check, _mirrored(watts)) == []) is fits


def test_a_period_that_lies_half_outside_is_not_held_against_anybody() -> None:
    check = stays(SITE, Bounds(most=5_000), "first", "last", requirement=RULE)

    assert _judged(check, _mirrored(9_000, START - MINUTE / 2)) == []


@pytest.mark.parametrize(
    ("start", "lasts", "fits"),
    [(START, 60, True), (START + MINUTE / 4, 60, False), (START, 50, False)],
)
def test_periods_begin_on_minutes_and_last_as_long_as_the_rate(
    start: datetime, lasts: int, fits: bool
) -> None:
    assert (_judged(aligned(60, requirement=RULE), _mirrored(1, start, lasts)) == []) is fits


def test_a_quantity_that_is_announced_and_never_told_is_missed() -> None:
    assert _judged(mirrors(SITE, "38", kind="37", requirement=RULE), _mirrored(1)) == []
    assert _judged(mirrors(SITE, "63", requirement=RULE), _mirrored(1)) == ["none"]
    assert _judged(mirrors(SITE, "38", kind="12", requirement=RULE), _mirrored(1)) == ["37"]


def test_a_binary_enterprise_number_is_refused() -> None:
    assert _judged(signed_by_pen(requirement=RULE), _mirrored(1)) == []
    story = Story()
    story.send("POST", reports.mirror(LFDI))
    assert _judged(signed_by_pen(requirement=RULE), story)


def _status(*codes: tuple[int, str]) -> Story:
    story = Story()
    story.mark("off")
    for minutes, connected in codes:
        story.at = START + minutes * MINUTE
        told = {"opModConnect": connected}
        story.send("PUT", reports.status(told, 0, story.at, closed=True))
    story.at = START + 10 * MINUTE
    story.mark("end")
    return story


def test_a_status_is_told_soon_and_stays() -> None:
    check = tells("DERStatus", MODE, says("100"), requirement=RULE, after="off", before="end")

    assert _judged(check, _status((1, "false"), (2, "false"))) == []
    assert _judged(check, _status((1, "true"), (2, "true"))) == ["2"]
    assert _judged(check, _status((5, "false"))) == ["100"]
    assert _judged(check, _status((1, "false"), (2, "true"))) == ["2"]


def test_a_bit_is_set_or_clear() -> None:
    assert bit(0, on=True).fits("07")
    assert not bit(0, on=True).fits("06")
    assert not bit(0, on=False).fits("what")


def test_the_sfdi_is_that_of_the_standard() -> None:
    assert sfdi_of(LFDI) == 167261211391


def test_a_meter_without_an_id_is_no_meter() -> None:
    for nmi, fits in (("6203778594", True), ("", False)):
        story = Story()
        settings = Settings(url="http://x", lfdi=LFDI, nmi=nmi)
        story.send("PUT", aus.connection_point(settings))
        assert (_judged(names_its_meter(requirement=RULE), story) == []) is fits


def test_a_price_is_that_of_its_component() -> None:
    story = Story()
    story.mark("component.energy", {"mrid": "AB"})
    story.mark("state.now", {"price.AB": "25.31"})

    assert _judged(costs("now", "energy", "25.31", requirement=RULE), story) == []
    assert _judged(costs("now", "energy", "", requirement=RULE), story) == ["25.31"]


def test_a_plant_keeps_the_limits_of_its_site() -> None:
    plant = Plant(120_000)
    plant.set_wish(30_000, START)
    plant.obey({"aus:opModExpLimW": "5000"}, START)
    plant.set_load(2_000, START + MINUTE)

    assert plant.site_mean(START, START + MINUTE) == pytest.approx(-5_000)
    assert plant.site_mean(START + MINUTE, START + 2 * MINUTE) == pytest.approx(-5_000)


def test_a_ramp_is_even() -> None:
    plant = Plant(120_000)
    plant.set_wish(20_000, START - MINUTE)
    plant.obey({"aus:opModGenLimW": "2000", "rampTms": "12000"}, START)

    means = [plant.der.mean(START + n * MINUTE, START + (n + 1) * MINUTE) for n in range(3)]

    assert means == pytest.approx([15_500, 6_500, 2_000], abs=1)


def _stored(*watt_hours: int) -> Story:
    story = Story()
    told = Settings(url="https://localhost/", lfdi=LFDI, csip_aus=True, storage_wh=300_000)
    story.send("PUT", reports.capability(told))
    story.send("POST", aus.mirror(LFDI, aus.DEVICE, stored=True))
    story.mark("first")
    for place, value in enumerate(watt_hours):
        start = START + place * MINUTE
        story.send("POST", aus.readings(LFDI, aus.DEVICE, {"W": 9, "Wh": value}, start, 60))
    story.mark("last")
    return story


def test_stored_energy_goes_the_way_of_the_power() -> None:
    falls = moves("first", "last", up=False, requirement=RULE)
    rises = moves("first", "last", up=True, requirement=RULE)

    assert [row.wh for row in levels(_stored(9, 7).transcript, "first", "last")] == [9, 7]
    assert _judged(falls, _stored(9, 8, 7)) == []
    assert _judged(rises, _stored(9, 8, 7)) == ["7 Wh"]
    assert _judged(rises, _stored(7, 9)) == []
    assert _judged(rises, _stored(7, 7)) == ["7 Wh"]


def test_no_storage_holds_more_than_it_is_rated_for() -> None:
    check = holds_no_more(requirement=RULE)

    assert _judged(check, _stored(0, 300_000)) == []
    assert _judged(check, _stored(-1, 300_001)) == ["-1 Wh", "300001 Wh"]


@pytest.mark.parametrize(("storage_wh", "fault"), [(300_000, []), (0, ["none"])])
def test_a_storage_says_what_energy_it_keeps(storage_wh: int, fault: list[str]) -> None:
    story = Story()
    told = Settings(url="https://localhost/", lfdi=LFDI, csip_aus=True, storage_wh=storage_wh)
    story.send("PUT", reports.der_settings(told, None, START))

    assert _judged(energies_fit(requirement=RULE), story) == fault


def test_a_target_of_storage_ends_where_a_limit_begins() -> None:
    plant = Plant(120_000, 300_000)
    plant.set_load(10_000, START)
    plant.stored(START)

    plant.obey({STORAGE_TARGET: "30000", "aus:opModExpLimW": "5000"}, START)

    assert plant.der.aims_at() == 15_000
    assert plant.stored(START + timedelta(hours=1)) == 135_000
    plant.obey({STORAGE_TARGET: "-20000"}, START + timedelta(hours=1))
    assert plant.stored(START + timedelta(hours=2)) == 155_000
