"""``gridgate opt`` typed beside a gateway that runs: through its socket, into its log, under the user's own name."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.app.bootstrap import data_dir, store_url
from gateway.app.control import Control
from gateway.app.operator_desk import OperatorDesk
from gateway.app.schedule_desk import ScheduleDesk
from gateway.app.token_desk import StoreDesk
from gateway.cli.received import received
from gateway.cli.schedule import create
from gateway.config.load import load
from gateway.domain.errors import ConfigError
from gateway.domain.opting import OptSchedule
from gateway.domain.participation import Opt
from gateway.pipeline.overrule import Overrule
from gateway.pipeline.scheduling import Scheduling
from gateway.protocols.actions import Fact, FactKind, Received, ReceivedValue
from gateway.store.open import open_store
from tests.cli_world import installation
from tests.fakes import CountedIds
from tests.forked import ran
from tests.intent_samples import EVENT
from tests.pipeline_story import UTILITY, House, cancelled, opened, opts

ME = getpass.getuser()


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


async def gridgate(config: Path, *words: str) -> Said:
    said = await asyncio.to_thread(ran, "gateway", *words, "-c", str(config))
    return Said(said.returncode, said.stdout, said.stderr)


@asynccontextmanager
async def operated(config: Path) -> AsyncIterator[House]:
    """Run a gateway's control socket over a story in which the site was just asked."""
    loaded = load(config)
    folder = data_dir(loaded)
    store = await open_store(store_url(loaded), ids=CountedIds())
    house = await opened(House(store=store))
    await house.deliver(EVENT)
    operator = OperatorDesk(Overrule(house.office), house.clock)
    schedules = ScheduleDesk(Scheduling(house.office), house.clock, CountedIds())
    desk = StoreDesk(house.store, CountedIds(), house.clock, ("phx-1",))
    routes = (*operator.routes(), *schedules.routes())
    control = Control(folder, desk, house.clock, routes)
    await control.start()
    try:
        yield house
    finally:
        await control.stop()
        await store.close()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return installation(tmp_path)


async def test_an_operator_decides_and_sees_what_it_comes_to(config: Path) -> None:
    async with operated(config) as house:
        said = await gridgate(config, "opt", "evt-1", "out", "--reason", "chiller")

    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "TEST MODE: nothing here obliges anybody"
    assert "site     phx-1: unanswered -> out" in lines
    assert "utility  is told opt out" in lines
    assert f"by       operator:{ME}, written into the evidence log" in lines
    assert opts(house.told) == [(Opt.OUT, "chiller")]
    assert house.told[0].by == f"operator:{ME}"


async def test_a_dry_run_decides_nothing(config: Path) -> None:
    async with operated(config) as house:
        said = await gridgate(config, "opt", "evt-1", "in", "--reason", "x", "--dry-run", "--json")

    document = json.loads(said.out)
    assert (said.code, document["dry_run"]) == (0, True)
    (one,) = document["ruled"]
    assert (one["site"], one["opt"], one["upstream"], one["changed"]) == ("phx-1", "in", "in", True)
    assert house.told == []


async def test_what_cannot_be_decided_is_refused_with_its_code(config: Path) -> None:
    async with operated(config) as house:
        unknown = await gridgate(config, "opt", "evt-9", "out", "--reason", "x")
        await house.deliver(cancelled(EVENT, house.now))
        late = await gridgate(config, "opt", "evt-1", "out", "--reason", "x")

    assert (unknown.code, late.code) == (1, 1)
    assert unknown.err.startswith("error[GG-4041]: no event 'evt-9' asks anything of a site\n")
    assert late.err.startswith("error[GG-4093]: the event was cancelled at site phx-1\n")
    assert "Traceback" not in unknown.err + late.err


async def test_without_a_gateway_nothing_is_decided(config: Path) -> None:
    said = await gridgate(config, "opt", "evt-1", "out", "--reason", "x")

    assert said.code == 3
    assert said.err.startswith("error[GG-7005]: no gateway runs on this configuration\n")
    assert "  fix: start it:  gridgate run -c FILE" in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("evt-1", "maybe", "--reason", "x"), "'maybe' is no answer"),
        (("evt-1", "out", "--reason", " "), "--reason: is empty"),
        (("evt-1", "out", "--reason", "a\x07b"), "--reason: "),
        (("evt-1", "out", "--reason", "x", "--utility", "pge"), "there is no 'pge'"),
    ],
)
async def test_wrong_use_is_told_before_anything_is_asked(
    config: Path, words: tuple[str, ...], told: str
) -> None:
    said = await gridgate(config, "opt", *words)

    assert said.code == 2
    assert said.err.startswith("error[GG-1021]: ")
    assert told in said.err


# --- ahead of events

SCHEDULE = ("opt", "schedule")
TOMORROW = ("--from", "2036-05-04T00:00:00Z", "--to", "2036-05-05T00:00:00-07:00")


async def waiting(house: House) -> list[OptSchedule]:
    found = await house.inbound.pending(UTILITY)
    return [each for each in found if isinstance(each, OptSchedule)]


@pytest.mark.spec("OpenADR 2.0b section 8.5")
async def test_a_schedule_is_made_listed_and_taken_back(config: Path) -> None:
    async with operated(config) as house:
        made = await gridgate(config, *SCHEDULE, "out", *TOMORROW, "--reason", "x-maintenance")
        (one,) = await waiting(house)
        before = await gridgate(config, *SCHEDULE, "list")
        held = Fact(kind=FactKind.OPT, key=one.opt_id, at=house.now, fields={"state": "held"})
        await house.inbound.accept(UTILITY, (), b"{}", (one,), (held,))
        after = await gridgate(config, *SCHEDULE, "list", "--json")
        gone = await gridgate(config, *SCHEDULE, "cancel", one.opt_id[:30])
        left = await gridgate(config, *SCHEDULE, "list")
        everything = await gridgate(config, *SCHEDULE, "list", "--all")
        (last,) = await waiting(house)

    assert (made.code, made.err) == (0, "")
    lines = made.out.splitlines()
    assert lines[0] == "TEST MODE: nothing here obliges anybody"
    assert "opt      out (x-maintenance) towards azp" in lines
    assert "window   2036-05-03 17:00:00-0700 - 2036-05-05 00:00:00-0700" in lines
    assert "sites    all of its programs" in lines
    assert (one.opt, one.by, one.sites) == (Opt.OUT, f"operator:{ME}", ())
    assert "waiting" in before.out
    (listed,) = json.loads(after.out)["schedules"]
    assert (listed["standing"], listed["opt_id"]) == ("held", one.opt_id)
    assert f"taken back: {one.opt_id}; azp is told" in gone.out
    assert "no schedules" in left.out
    assert "cancelling" in everything.out
    assert last.cancelled_at is not None


async def test_a_schedule_of_several_windows_for_one_site(config: Path) -> None:
    async with operated(config) as house:
        said = await gridgate(
            config,
            *(*SCHEDULE, "in", *TOMORROW, "--from", "2036-06-01T00:00:00Z", "--open"),
            *("--site", "phx-1", "--utility", "azp", "--json"),
        )
        (one,) = await waiting(house)

    document = json.loads(said.out)
    assert (said.code, document["dry_run"], document["replaces"]) == (0, False, [])
    assert [each.end is None for each in one.windows] == [False, True]
    assert document["schedule"]["sites"] == ["phx-1"]


async def test_a_dry_run_schedules_nothing_and_says_what_would_be_replaced(config: Path) -> None:
    async with operated(config) as house:
        await gridgate(config, *SCHEDULE, "out", *TOMORROW)
        said = await gridgate(config, *SCHEDULE, "out", *TOMORROW, "--dry-run")
        (one,) = await waiting(house)

    assert "dry run: nothing was scheduled" in said.out
    assert f"replaces {one.opt_id}" in said.out


DAY = (("2036-05-04T00:00:00Z",), ("2036-05-05T00:00:00Z",), False)


@pytest.mark.parametrize(
    ("answer", "given", "when", "sites", "told"),
    [
        ("maybe", {}, DAY, (), "'maybe' is no opt"),
        ("out", {}, ((), (), False), (), "each window needs its --from and --to"),
        ("out", {}, (*DAY[:2], True), (), "each window needs its --from and --to"),
        ("out", {}, (("soon",), (), True), (), "--from soon: "),
        ("out", {"reason": "because"}, DAY, (), "--reason: write one of economic"),
        ("out", {"utility": "pge"}, DAY, (), "there is no 'pge'"),
    ],
)
def test_a_schedule_that_is_wrongly_written_is_told_before_anything_is_asked(
    config: Path,
    answer: str,
    given: dict[str, str],
    when: tuple[tuple[str, ...], tuple[str, ...], bool],
    sites: tuple[str, ...],
    told: str,
) -> None:
    usual = {"utility": "", "reason": "economic", "program": "", "device_class": ""}
    with pytest.raises(ConfigError, match="ARGUMENT") as wrong:
        create(config, answer, usual | given, when, sites, dry_run=False, as_json=False)

    assert told in str(wrong.value)


async def test_a_schedule_in_the_past_is_refused_by_the_gateway(config: Path) -> None:
    past = ("--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z")
    async with operated(config):
        said = await gridgate(config, *SCHEDULE, "out", *past)

    assert said.code == 1
    assert "every window of the schedule is over already" in said.err


async def test_what_a_utility_reported_is_listed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = ReceivedValue(
        specifier="prices",
        point="p1",
        start=EVENT.start,
        duration=None,
        value="12.5",
        unit="kW",
        quality="",
    )
    offer = Fact(kind=FactKind.OFFER, key="prices", at=EVENT.start, fields={"points": "p1 [kW]"})
    told = Received(request="q1", at=EVENT.start, values=(value,))
    async with operated(config) as house:
        await house.inbound.accept(UTILITY, (), b"{}", (), (told, offer))

    def listed(**changes: object) -> str:
        usual: dict[str, object] = {"utility": "", "since": "", "limit": 9, "as_json": False}
        received(config, **(usual | changes))  # type: ignore[arg-type]  # test shorthand
        return capsys.readouterr().out

    def look() -> tuple[str, str, str]:
        return listed(), listed(as_json=True), listed(since="2199-01-01T00:00:00Z")

    plain, document, later = await asyncio.to_thread(look)
    assert "12.5" in plain
    assert "offer    azp prices: points p1 [kW]" in plain
    assert json.loads(document)["values"][0]["value"] == "12.5"
    assert json.loads(document)["reports"][0]["kind"] == "offer"
    assert "no values were received yet" in later
    with pytest.raises(ConfigError, match="ARGUMENT"):
        received(config, "pge", "", 9, as_json=False)
    with pytest.raises(ConfigError, match="ARGUMENT"):
        received(config, "", "soon", 9, as_json=False)
