"""What a client tells: status, settings that a default changes, readings, alarms (SunSpec BASIC-027 to BASIC-029)."""

from datetime import timedelta

from conformance.kit.sep2.acts import MINUTE, PROGRAM, announce, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds
from conformance.kit.sep2.checks.logs import logs
from conformance.kit.sep2.checks.mirrors import mirrors, reading_types, readings_every
from conformance.kit.sep2.checks.reporting import (
    coherent,
    has_fields,
    puts_every,
    puts_within,
    says_field,
    says_value,
)
from conformance.kit.sep2.conditions import posted, put, responded
from conformance.kit.sep2.observations import post_seen, put_seen, read_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Program, connect, limit

ONE_DEVICE = ("der", "csipaus")
_STATUS = "REQ-CSIP-6.3.5-2"
_FIELDS = "REQ-CSIP-BASIC-028-1"
_CHANGE = "REQ-CSIP-6.3.5-3"
_RAMP = "REQ-SEP2-10.10-4"
_MIRROR = "REQ-SEP2-10.11-1"
_TYPES = "REQ-SEP2-10.11-2"
_EVERY = "REQ-SEP2-10.11-3"
_ALARM = "REQ-CSIP-BASIC-027-1"
_MODES = "REQ-SEP2-10.10.4-2"
SECOND = timedelta(seconds=1)


@case(
    id="CSIP-CLI-DER-028",
    title="Status is told at every postRate, with what SunSpec asks for",
    purpose="Exposes a client that tells its status once, or half of it.",
    public=("BASIC-028", "ALL-09"),
    requirements=(_STATUS, _FIELDS),
    checks=(
        puts_every("DERStatus", MINUTE, requirement=_STATUS),
        has_fields(
            "DERStatus",
            "s:genConnectStatus/s:value",
            "s:inverterStatus/s:value",
            "s:operationalModeStatus/s:value",
            "s:readingTime",
            requirement=_FIELDS,
        ),
    ),
    observations=(put_seen("DERStatus", 4),),
    modes=ONE_DEVICE,
    lasts=6 * MINUTE,
    facts=(("post_s", "60"),),
    mutants=("tells-status-once", "tells-no-inverter-status"),
)
async def status_told(stage: ClientStage) -> None:
    """Watch it for five minutes."""
    await stage.sleep(5.5 * MINUTE)


@case(
    id="CSIP-CLI-DER-007",
    title="Disconnected and connected again: its status says so",
    purpose="Exposes a client whose status does not follow what it does.",
    public=("ALL-07", "ALL-12"),
    requirements=(_CHANGE,),
    checks=(
        says_field(
            "DERStatus", "s:genConnectStatus/s:value", "off", bit=0, on=False, requirement=_CHANGE
        ),
        says_field(
            "DERStatus",
            "s:genConnectStatus/s:value",
            "on again",
            bit=0,
            on=True,
            requirement=_CHANGE,
        ),
        puts_within("DERStatus", 30 * SECOND, "starts", requirement=_CHANGE),
    ),
    observations=(put_seen("DERStatus", 3), response_seen("one", 3)),
    modes=ONE_DEVICE,
    mutants=("always-connected", "tells-status-at-rate-alone"),
)
async def disconnected(stage: ClientStage) -> None:
    """Disconnect it for two minutes."""
    control = announce(stage, "one", connect(on=False), lasts=2 * MINUTE)
    await stage.sleep_until(control.start)
    stage.mark("starts")
    await stage.until(responded("one", 2), 2 * MINUTE, "start the control")
    await stage.sleep(MINUTE)
    stage.mark("off")
    await run_through(stage, control)
    stage.mark("on again")


@case(
    id="CSIP-CLI-DER-015",
    title="It supports what it carries out, and enables what it supports",
    purpose="Exposes a client whose modesSupported is not what it does.",
    public=("CORE-014",),
    requirements=(_MODES,),
    checks=(
        coherent("one", 20, requirement=_MODES),
        responds("one", 1, 2, 3, requirement=_MODES),
    ),
    observations=(put_seen("DERCapability"), response_seen("one", 2)),
    modes=ONE_DEVICE,
    applies_if="CLI-CAP",
    mutants=("supports-nothing",),
)
async def modes_told(stage: ClientStage) -> None:
    """Have it cap its generation (bit 20)."""
    await run_through(stage, announce(stage, "one", limit(60)))


@case(
    id="CSIP-CLI-DER-107",
    title="A default's ramp rates become its settings",
    purpose="Exposes a client that minds no setGradW of a default.",
    public=("BASIC-007", "ALL-13"),
    requirements=(_RAMP,),
    checks=(says_value("DERSettings", "s:setGradW", "27", "changed", requirement=_RAMP),),
    observations=(put_seen("DERSettings", 2),),
    modes=ONE_DEVICE,
    lasts=8 * MINUTE,
    mutants=("minds-no-ramps",),
)
async def ramps(stage: ClientStage) -> None:
    """Change the default's settings."""
    told = Program(id=PROGRAM, primacy=10, default=limit(80), default_settings={"setGradW": 27})
    stage.utility.put_program(told)
    mark = stage.transcript.messages[-1].number
    await stage.until(put("DERSettings", after=mark), 6 * MINUTE, "tell its settings")
    stage.mark("changed")


@case(
    id="CSIP-CLI-MUP-029",
    title="The mirror is created with its types; readings follow under the same mRIDs, without",
    purpose="Exposes a client that sends readings of unknown kind, or creates a mirror for each.",
    public=("BASIC-029", "ALL-06"),
    requirements=(_MIRROR, _TYPES),
    checks=(
        mirrors(requirement=_MIRROR),
        reading_types({"38", "63", "29"}, requirement=_TYPES),
    ),
    observations=(
        post_seen("MirrorUsagePoint"),
        post_seen("MirrorMeterReading", "MirrorMeterReadingList", at_least=3),
    ),
    modes=ONE_DEVICE,
    facts=(("post_s", "60"),),
    mutants=("mirrors-anew", "types-with-every-reading", "mirrors-no-voltage"),
)
async def mirror(stage: ClientStage) -> None:
    """Watch readings for a while."""
    await stage.sleep(4 * MINUTE)


@case(
    id="CSIP-CLI-MUP-010",
    title="Readings are posted at postRate, and follow it when it changes",
    purpose="Exposes a client that posts at a rate of its own.",
    public=("ALL-10",),
    requirements=(_EVERY,),
    checks=(
        readings_every(MINUTE, requirement=_EVERY, until="slower"),
        readings_every(3 * MINUTE, requirement=_EVERY, after="slower"),
    ),
    observations=(
        post_seen("MirrorMeterReading", "MirrorMeterReadingList", at_least=6),
        read_seen("EndDeviceList"),
    ),
    modes=("der",),
    lasts=16 * MINUTE,
    facts=(("post_s", "60"),),
    mutants=("posts-at-its-own-rate", "keeps-first-post-rate"),
)
async def post_rate(stage: ClientStage) -> None:
    """Change the rate after four minutes."""
    await stage.sleep(4.2 * MINUTE)
    stage.utility.set_rates(post_s=180)
    readings = ("MirrorMeterReading", "MirrorMeterReadingList")
    mark = stage.transcript.messages[-1].number
    await stage.until(posted(*readings, after=mark), 3 * MINUTE, "post readings")
    await stage.sleep(5 * SECOND)
    stage.mark("slower")
    await stage.sleep(10 * MINUTE)


@case(
    id="CSIP-CLI-LOG-027",
    title="An alarm and its end are logged, and shown in the status",
    purpose="Exposes a client that keeps alarms to itself.",
    public=("BASIC-027",),
    requirements=(_ALARM,),
    checks=(
        logs((2, 3), requirement=_ALARM),
        says_field("DERStatus", "s:alarmStatus", "alarmed", bit=1, on=True, requirement=_ALARM),
        says_field("DERStatus", "s:alarmStatus", "calm", bit=1, on=False, requirement=_ALARM),
    ),
    observations=(post_seen("LogEvent", at_least=2), put_seen("DERStatus", 2)),
    modes=ONE_DEVICE,
    applies_if="CLI-ALARM",
    needs=("alarm",),
    mutants=("logs-no-return", "shows-no-alarm"),
)
async def alarm(stage: ClientStage) -> None:
    """Have an over-voltage (bit 1) begin and end."""
    await stage.driver.call("alarm", bit="1", on="yes")
    await stage.until(posted("LogEvent"), 2 * MINUTE, "log the alarm")
    await stage.sleep(10 * SECOND)
    stage.mark("alarmed")
    await stage.driver.call("alarm", bit="1", on="no")
    await stage.until(posted("LogEvent", times=2), 2 * MINUTE, "log its end")
    await stage.sleep(10 * SECOND)
    stage.mark("calm")
