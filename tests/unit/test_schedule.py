"""Schedules of a utility played by hand: read as a whole, refused with every fault, planned in time."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.cli import __file__ as schedule_module
from conformance.cli.lines import fact_line, line
from conformance.cli.main import run
from conformance.cli.plan import options_of, plan_of
from conformance.cli.schedule import Schedule
from conformance.cli.schedule_file import read_schedule
from conformance.peers.event_spec import EventSpec
from conformance.peers.programme import (
    AskForReport,
    Cancel,
    CancelReport,
    Modify,
    Publish,
)
from conformance.peers.units import KNOWN
from gateway.domain.errors import ConfigError
from gateway.protocols.oadr2b.messages import OptType, SignalType
from gateway.protocols.oadr2b.vtn_facts import Answered, Offered, Reported
from tests.vtn_story import T0, usage_metadata

FULL = """
[listen]
port = 8443

[vtn]
id = "GRIDGATE-TEST"
poll_every = "PT5S"
store = "vtn.db"

[[ven]]
id = "dc-1"
fingerprints = ["59:4D:D8:CD:35:8E:E7:F7:86:94"]

[[event]]
id = "e1"
market_context = "http://utility.example/fast-dr"
start_after = "PT1H"
ramp_up = "PT15M"
recovery = "-PT5M"
notification = "PT30M"
randomise = "PT2M"
priority = 1
test = true
response_required = "never"
vens = ["dc-1"]
resources = ["hall-1"]
publish_after = "PT5M"
cancel_after = "PT90M"

[[event.signal]]
name = "LOAD_DISPATCH"
type = "setpoint"
unit = "kW"
intervals = [ { duration = "PT30M", value = 500 }, { duration = "PT30M", value = 400.25 } ]

[[event.modification]]
after = "PT20M"
priority = 2

[[event.modification]]
after = "PT10M"
comment = "first change"

[[report]]
id = "usage"
ven = "dc-1"
granularity = "PT1M"
back = "PT5M"
start = 2026-05-03T16:00:00Z
lasts = "PT2H"
cancel_after = "PT3H"
to_follow = true

[[report]]
id = "once"
back = "PT0S"
granularity = "PT0S"
"""
MINUTE = timedelta(minutes=1)


def written(folder: Path, text: str) -> Path:
    path = folder / "schedule.toml"
    path.write_text(text)
    return path


def schedule(folder: Path, text: str = FULL) -> Schedule:
    return read_schedule(written(folder, text))


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_schedule(written(folder, text))
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_a_full_schedule_becomes_a_plan(tmp_path: Path) -> None:
    plan = plan_of(schedule(tmp_path), T0)

    assert [(planned.at - T0, planned.deed.what) for planned in plan] == [
        (5 * MINUTE, "publish e1"),
        (10 * MINUTE, "modify e1 to version 1"),
        (20 * MINUTE, "modify e1 to version 2"),
        (90 * MINUTE, "cancel e1"),
        (0 * MINUTE, "ask for report usage"),
        (180 * MINUTE, "cancel report usage"),
        (0 * MINUTE, "ask for report once"),
    ]


def test_an_event_keeps_every_number_exact(tmp_path: Path) -> None:
    deed = plan_of(schedule(tmp_path), T0)[0].deed
    assert isinstance(deed, Publish)
    event: EventSpec = deed.event

    assert (event.start, event.ramp_up, event.recovery) == (
        T0 + 60 * MINUTE,
        15 * MINUTE,
        -5 * MINUTE,
    )
    assert event.signals[0].type is SignalType.SETPOINT
    assert [step.value for step in event.signals[0].steps] == [Decimal(500), Decimal("400.25")]
    assert (event.test, event.response_required, event.priority) == (True, False, 1)
    message = event.message().ei_event
    # A venID beside them would mean the whole VEN (rules 22 and 63).
    assert message.ei_target.ven_ids == ()
    assert event.vens == ("dc-1",)
    assert message.ei_target.resource_ids == ("hall-1",)
    assert message.ei_active_period.startafter == 2 * MINUTE


def test_modifications_build_on_one_another(tmp_path: Path) -> None:
    first, second = (planned.deed for planned in plan_of(schedule(tmp_path), T0)[1:3])
    assert isinstance(first, Modify)
    assert isinstance(second, Modify)

    assert (first.event.comment, first.event.priority) == ("first change", 1)
    assert (second.event.comment, second.event.priority) == ("first change", 2)


def test_wishes_are_periodic_or_for_once(tmp_path: Path) -> None:
    deeds = [planned.deed for planned in plan_of(schedule(tmp_path), T0)]
    wishes = [deed.wish for deed in deeds if isinstance(deed, AskForReport)]

    assert (wishes[0].starts_at, wishes[0].lasts) == (T0, timedelta(hours=2))
    assert (wishes[1].starts_at, wishes[1].lasts) == (None, None)
    assert CancelReport(want_id="usage", to_follow=True) in deeds
    assert Cancel(event_id="e1") in deeds


def test_paths_count_from_the_file_and_vens_are_expected(tmp_path: Path) -> None:
    found = schedule(tmp_path)

    assert found.vtn.store == tmp_path / "vtn.db"
    options = options_of(found)
    assert options.expected[0].ven_id == "dc-1"
    assert options.poll_every == timedelta(seconds=5)


def test_every_fault_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = (
        FULL.replace('poll_every = "PT5S"', 'poll_every = "5s"')
        .replace("priority = 1\n", "prioriti = 1\n")
        .replace('unit = "kW"', 'unit = "horses"')
        .replace('start_after = "PT1H"', 'start_after = "PT1H"\nstart = 2026-05-03T16:00:00Z')
        .replace("port = 8443", 'host = "0.0.0.0"')
    )

    assert faults(tmp_path, text) == [
        "schedule.toml:2  listen: plain HTTP is for loopback only; give certificate, key and ca",
        "schedule.toml:7  vtn.poll_every: a duration looks like PT15M",
        "schedule.toml:34  event[0].signal[0].unit: must be one of " + KNOWN,
        "schedule.toml:23  event[0].prioriti: no such key here; remove it or correct its spelling",
    ]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('store = "vtn.db"', 'store = "no/vtn.db"', "8  vtn.store: no such folder"),
        ('vens = ["dc-1"]', 'vens = ["dc-2"]', "25  event[0].vens: no [[ven]] has the id 'dc-2'"),
        ('ven = "dc-1"', 'ven = "dc-2"', "46  report[0].ven: no [[ven]] has the id 'dc-2'"),
        ('id = "once"', 'id = "usage"', "55  report[1].id: 'usage' is used twice"),
        ("value = 500", 'value = "half"', "34  event[0].signal[0].intervals[0].value: "),
        ("value = 500", "value = true", "34  event[0].signal[0].intervals[0].value: "),
        ("value = 500", "value = 1e99", "34  event[0].signal[0].intervals[0].value: "),
        ('cancel_after = "PT90M"', 'cancel_at = "yesterday"', "28  event[0].cancel_at: an instant"),
        ('id = "GRIDGATE-TEST"\n', "", "5  vtn.id: is missing; add it"),
        ("port = 8443", 'certificate = "a.pem"', "2  listen: certificate, key and ca belong"),
        ('randomise = "PT2M"', 'randomise = "-PT2M"', "21  event[0].randomise: "),
        ('start_after = "PT1H"\n', "", "14  event[0]: start or start_after is missing; add one"),
    ],
)
def test_a_fault_names_line_key_and_fix(
    tmp_path: Path, before: str, after: str, fault: str
) -> None:
    assert before in FULL

    found = faults(tmp_path, FULL.replace(before, after, 1))

    assert len(found) == 1
    assert found[0].startswith(f"schedule.toml:{fault}")


@pytest.mark.spec("OpenADR 2.0b rules 8 and 9")
def test_events_that_break_the_standard_are_refused(tmp_path: Path) -> None:
    level = FULL.replace('"LOAD_DISPATCH"', '"SIMPLE"').replace('"setpoint"', '"level"')

    found = faults(tmp_path, level.replace('unit = "kW"', 'unit = ""'))

    assert found
    assert all("SIMPLE" in fault for fault in found)


def test_the_example_can_be_played_as_it_is_and_with_every_comment_switched_on(
    tmp_path: Path,
) -> None:
    example = Path(schedule_module).parent / "vtn2b_example.toml"
    text = example.read_text()
    switched_on = "\n".join(
        line.removeprefix("# ") if " = " in line or "[[" in line else line
        for line in text.splitlines()
    )
    for name in ("vtn.pem", "vtn.key", "root.pem"):
        (tmp_path / name).touch()

    assert len(plan_of(read_schedule(example), T0)) == 4
    assert len(plan_of(schedule(tmp_path, switched_on), T0)) == 5


def test_files_that_are_no_schedule_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in faults_of(tmp_path / "absent.toml")
    assert "no valid TOML" in faults_of(written(tmp_path, "[vtn"))
    missing = FULL.replace("port = 8443", 'certificate = "a"\nkey = "b"\nca = "c"')
    assert [fault.split("  ")[1].split(":")[0] for fault in faults(tmp_path, missing)] == [
        "listen.certificate",
        "listen.key",
        "listen.ca",
    ]


def faults_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_schedule(path)
    return caught.value.faults[0]


def test_wrong_use_ends_with_four(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = written(tmp_path, "[vtn]\nid = 3\n")
    clock = ["--clock-origin", "2026-01-01T00:00:00Z"]

    for arguments in (
        [],
        ["serve"],
        ["serve", "vtn2b", "--port", "x"],
        ["serve", "vtn9", "--schedule", "x"],
        ["serve", "vtn2b", "--schedule", str(bad), *clock],
        ["serve", "vtn2b", "--schedule", str(bad), "--clock-factor", "x"],
    ):
        with pytest.raises(SystemExit) as left:
            run(arguments)
        assert left.value.code == 4
    assert run(["serve", "vtn2b", "--schedule", str(bad)]) == 4

    said = capsys.readouterr()
    assert said.out == ""
    assert f"{bad}:2  vtn.id: " in said.err
    assert "1 fault(s); nothing was started" in said.err


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run(["serve", "vtn2b", "--help"])

    assert left.value.code == 0
    assert "4 usage" in capsys.readouterr().out


def test_lines_are_json_without_floats() -> None:
    answered = Answered(
        ven_id="v",
        event_id="e1",
        version=1,
        opt=OptType.OPT_OUT,
        code="200",
        description="",
        accepted="200",
        by="oadrCreatedEvent",
        request_id="r",
    )
    reported = Reported(
        ven_id="v",
        want_id="w",
        report_request_id="q",
        report_name="TELEMETRY_USAGE",
        r_id="power",
        starts_at=T0,
        lasts=MINUTE,
        value=Decimal("412.50"),
    )

    said = json.loads(fact_line(answered, T0))
    assert (said["at"], said["what"], said["opt"]) == (
        "2026-05-03T16:00:00Z",
        "answered",
        "optOut",
    )
    said = json.loads(fact_line(reported, T0))
    assert (said["value"], said["lasts"], said["starts_at"]) == (
        "412.5",
        "PT1M",
        "2026-05-03T16:00:00Z",
    )
    said = json.loads(fact_line(Offered(ven_id="v", reports=(usage_metadata(),)), T0))
    assert said["reports"][0]["r_ids"] == ["power"]
    assert "\n" not in line(T0, "x", {"text": "two\nlines"})
