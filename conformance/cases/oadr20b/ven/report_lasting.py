"""EiReport, a VEN under test: reports over long times, outages and restarts (2.0b section 8.3)."""

from datetime import timedelta

from conformance.kit.case import Timing, case
from conformance.kit.checks.flow import never, sends
from conformance.kit.checks.reports import OF_REQUEST, UPDATE, delivered_each, goes_on_without_gaps
from conformance.kit.oadr20b.conditions import received
from conformance.kit.oadr20b.offers import USAGE, offered
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VenStage

PATIENCE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
_PERIOD = "REQ-OADR20B-8.3.2.2-1"
_GAPS = "REQ-OADR20B-8.3.2.2-3"
_RESTART = "REQ-OADR20B-9.1.4-4"
_REPLACED = "REQ-OADR20B-R306-1"


async def _running(stage: VenStage, name: str) -> None:
    offer = await offered(stage, USAGE)
    stage.utility.request_report(offer.request(name, every=MINUTE, start=stage.now))
    await stage.until(received(UPDATE), PATIENCE, f"deliver report {name}")


@case(
    id="OADR20B-VEN-RPT-201",
    title="Periods of 7 and 90 minutes are kept for hours",
    purpose="Exposes a VEN whose periods follow the hours of the clock.",
    public=("CFX2B-RPT-01",),
    requirements=(_PERIOD, _GAPS),
    checks=(
        *(
            sends(UPDATE, n, requirement=_PERIOD, where=(OF_REQUEST, name), most=n + 1)
            for name, n in (("seven-1", 26), ("ninety-1", 2))
        ),
        delivered_each("seven-1", timedelta(minutes=7), requirement=_PERIOD),
        delivered_each("ninety-1", timedelta(minutes=90), requirement=_PERIOD),
        goes_on_without_gaps("seven-1", timedelta(minutes=7), requirement=_GAPS),
        goes_on_without_gaps("ninety-1", timedelta(minutes=90), requirement=_GAPS),
    ),
    observations=(sent(UPDATE, 4), mark_set("watched")),
    timing=Timing(poll=MINUTE, lasts=timedelta(minutes=186)),
    mutants=("periods-begin-with-the-hour",),
)
async def odd_periods(stage: VenStage) -> None:
    """Ask for both and watch three hours and five minutes."""
    offer = await offered(stage, USAGE)
    for name, minutes in (("seven-1", 7), ("ninety-1", 90)):
        every = timedelta(minutes=minutes)
        stage.utility.request_report(offer.request(name, every=every, start=stage.now))
    await stage.sleep(timedelta(minutes=185))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-203",
    title="What an outage held up comes afterwards, in order",
    purpose="Exposes a VEN that loses the values of an outage, or delivers them twice or mixed up.",
    public=("CFX2B-RPT-02",),
    requirements=(_GAPS,),
    checks=(
        goes_on_without_gaps("held-1", MINUTE, requirement=_GAPS),
        sends(UPDATE, 4, requirement=_GAPS, after="again", until="watched", most=9),
    ),
    observations=(sent(UPDATE, 3), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=8)),
    mutants=("counts-from-the-last-delivery",),
)
async def outage(stage: VenStage) -> None:
    """Let a report run, close the port for 200 seconds, and watch three minutes more."""
    await _running(stage, "held-1")
    await stage.utility.down()
    await stage.sleep(timedelta(seconds=200))
    await stage.utility.up()
    stage.mark("again")
    await stage.sleep(timedelta(seconds=200))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-204",
    title="A report outlives a restart",
    purpose="Exposes a VEN that forgets what it has to deliver over a restart.",
    applies_if="VEN-RESTART",
    requirements=(_RESTART, _GAPS),
    checks=(
        sends(UPDATE, 2, requirement=_RESTART, after="restarted", until="watched", most=4),
        goes_on_without_gaps("kept-1", MINUTE, requirement=_GAPS),
    ),
    observations=(sent(UPDATE), mark_set("watched")),
    needs=("kill", "start"),
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("forgets-reports-at-restart",),
)
async def restart(stage: VenStage) -> None:
    """Kill the device between two deliveries and start it again."""
    await _running(stage, "kept-1")
    await stage.sleep(timedelta(seconds=10))
    await stage.driver.kill()
    await stage.sleep(timedelta(seconds=5))
    await stage.driver.start()
    stage.mark("restarted")
    await stage.sleep(timedelta(seconds=190))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-RPT-205",
    title="Reports registered anew end what was asked for before",
    purpose="Exposes a VEN that goes on delivering under requests of the registration before.",
    public=("CFX2B-RPT-04",),
    applies_if="VEN-REG-AFRESH",
    requirements=(_REPLACED,),
    checks=(never((UPDATE,), requirement=_REPLACED, after="registered"),),
    observations=(sent(UPDATE), sent("oadrRegisterReport"), mark_set("watched")),
    needs=("register",),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("keeps-reports-afresh",),
)
async def replaced(stage: VenStage) -> None:
    """Let a report run, have the device register afresh, and watch two periods."""
    await _running(stage, "before-1")
    here = stage.transcript.messages[-1].number
    await stage.driver.call("register", afresh="yes")
    await stage.until(
        received("oadrRegisterReport", after=here), PATIENCE, "register its reports anew"
    )
    stage.mark("registered")
    await stage.sleep(timedelta(seconds=130))
    stage.mark("watched")
