"""Mirrors of meters: made once, filled with readings, brought up to date (S-ALL-06, -07; S-OPT-05)."""

from datetime import timedelta

from conformance.kit.case import Observation
from conformance.kit.sep2 import client_documents as documents
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.checks.answers import (
    answered,
    answers,
    done_well,
    listed,
    locates,
    refuses,
    same_place,
    serves,
)
from conformance.kit.sep2.checks.stored import entries, stored_count, stores_readings
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import aggregator, read_back
from conformance.kit.transcript import Transcript

_MADE = "REQ-CSIPAUS-S-ALL-06-1"
_KEPT = "REQ-CSIPAUS-S-ALL-06-2"
_UPDATED = "REQ-CSIPAUS-S-ALL-07-1"
_ONCE = "REQ-CSIPAUS-S-ALL-07-2"
_RATE = "REQ-CSIPAUS-S-OPT-05-1"
_UNKNOWN = "REQ-SEP2-10.11-51"
_STEP = timedelta(minutes=5)


def _stored(transcript: Transcript) -> int:
    marks = transcript.all_marks("stored.Reading")
    return len(entries(marks[-1])) if marks else 0


def kept(at_least: int) -> Observation:
    """Demand that so many readings were read back."""
    return Observation("reading read back", at_least, _stored)


@case(
    id="CSIP-SRV-MUP-006",
    title="A mirror is made and its readings are kept",
    purpose="Exposes a server that tells no address for a mirror, or loses readings.",
    public=("S-ALL-06", "BASIC-029"),
    requirements=(_MADE, _KEPT),
    checks=(
        answers("make", 201, requirement=_MADE, method="POST"),
        locates("make", requirement=_MADE),
        answers("tell", 200, 201, 204, requirement=_KEPT, method="POST"),
        listed("MirrorUsagePoint", 1, requirement=_MADE, part="list", roleFlags="0003"),
        stores_readings(requirement=_KEPT),
    ),
    observations=(
        answered("make", method="POST"),
        answered("tell", 7, method="POST"),
        done_well("list", got="MirrorUsagePointList"),
        kept(1),
    ),
    applies_if="SRV-MUP and SRV-READ-BACK",
    needs=("posted",),
    lasts=3 * _STEP,
)
async def readings(stage: ServerStage) -> None:
    """Make a mirror of three quantities; post two rounds of averages, then a set of four; read all back."""
    client = stage.client
    where = await client.href("MirrorUsagePointList")
    whats = (documents.ACTIVE, documents.REACTIVE, documents.VOLTAGE)
    async with part(stage, "make"):
        made = await client.post(where, documents.mirror(client.lfdi, *whats))
    place = made.header("Location") or where
    async with part(stage, "tell"):
        for turn in range(2):
            await stage.sleep(_STEP)
            start = stage.now.replace(microsecond=0) - _STEP
            for what, value in (("W", -81000 - turn), ("var", 1200 + turn), ("V", 240 + turn)):
                told = documents.reading(client.lfdi, what, value, start, _STEP)
                await client.post(place, told)
        await stage.sleep(_STEP)
        start = stage.now.replace(microsecond=0) - _STEP
        several = documents.reading_set(client.lfdi, "W", (1, 2, 3, 4), start, MINUTE)
        await client.post(place, several)
    async with part(stage, "list"):
        await client.read("MirrorUsagePointList")
    await read_back(stage, "Reading")


@case(
    id="CSIP-SRV-MUP-007",
    title="A mirror of the same mRID is brought up to date, and not made twice",
    purpose="Exposes a server that makes a second mirror, keeps the old content, or forgets readings.",
    public=("S-ALL-07",),
    requirements=(_UPDATED, _ONCE),
    checks=(
        answers("make", 201, requirement=_ONCE, method="POST"),
        answers("again", 200, 204, requirement=_UPDATED, method="POST"),
        same_place("make", "again", requirement=_ONCE),
        listed("MirrorUsagePoint", 1, requirement=_ONCE, part="list"),
        serves("MirrorUsagePoint", {"roleFlags": "0013"}, requirement=_UPDATED, part="list"),
    ),
    observations=(
        answered("make", method="POST"),
        answered("again", method="POST"),
        done_well("list", got="MirrorUsagePointList"),
    ),
    applies_if="SRV-MUP",
)
async def updated(stage: ServerStage) -> None:
    """POST a mirror, then the same with other roleFlags; read the list."""
    client = stage.client
    where = await client.href("MirrorUsagePointList")
    async with part(stage, "make"):
        await client.post(where, documents.mirror(client.lfdi))
    async with part(stage, "again"):
        await client.post(where, documents.mirror(client.lfdi, roleFlags="0013"))
    async with part(stage, "list"):
        await client.read("MirrorUsagePointList")


@case(
    id="CSIP-SRV-MUP-008",
    title="A set of readings that comes again takes the place of the first",
    purpose="Exposes a server that counts a repeated MirrorReadingSet twice.",
    public=("S-ALL-07",),
    requirements=(_ONCE, _KEPT),
    checks=(
        answers("tell", 200, 201, 204, requirement=_KEPT, method="POST"),
        stored_count(4, requirement=_ONCE),
    ),
    observations=(answered("tell", 3, method="POST"), kept(1)),
    applies_if="SRV-MUP and SRV-READ-BACK",
    needs=("posted",),
    lasts=_STEP,
)
async def repeated(stage: ServerStage) -> None:
    """POST a mirror and the same set of four readings twice; read back."""
    client = stage.client
    async with part(stage, "tell"):
        where = await client.href("MirrorUsagePointList")
        made = await client.post(where, documents.mirror(client.lfdi))
        await stage.sleep(_STEP)
        start = stage.now.replace(microsecond=0) - _STEP
        several = documents.reading_set(client.lfdi, "W", (5, 6, 7, 8), start, MINUTE)
        for _ in range(2):
            await client.post(made.header("Location") or where, several)
    await read_back(stage, "Reading")


@case(
    id="CSIP-SRV-MUP-009",
    title="The mirrors of two devices of one aggregator are two",
    purpose="Exposes a server that keeps one mirror for whoever posts it.",
    public=("S-ALL-06",),
    requirements=(_MADE,),
    checks=(
        answers("make", 201, requirement=_MADE, method="POST"),
        listed("MirrorUsagePoint", 2, requirement=_MADE, part="list"),
    ),
    observations=(
        answered("make", 2, method="POST"),
        done_well("list", got="MirrorUsagePointList"),
    ),
    applies_if="SRV-MUP",
    needs=("register_aggregator",),
)
async def of_two(stage: ServerStage) -> None:
    """Let an aggregator POST a mirror for each of its devices and read the list."""
    found, devices = await aggregator(stage, 2)
    where = await found.href("MirrorUsagePointList")
    async with part(stage, "make"):
        for lfdi in devices:
            await found.post(where, documents.mirror(lfdi))
    async with part(stage, "list"):
        await found.read("MirrorUsagePointList")


@case(
    id="CSIP-SRV-MUP-010",
    title="The post rate of mirrors is the one that the operator has set",
    purpose="Exposes a server whose mirrors keep an old postRate.",
    public=("S-OPT-05", "S-ALL-43"),
    requirements=(_RATE,),
    checks=(
        serves("MirrorUsagePoint", {"postRate": "60"}, requirement=_RATE, part="before"),
        serves("MirrorUsagePoint", {"postRate": "300"}, requirement=_RATE, part="after"),
        serves("EndDevice", {"postRate": "300"}, requirement=_RATE, part="after"),
    ),
    observations=(
        done_well("before", got="MirrorUsagePointList"),
        done_well("after", got="MirrorUsagePointList"),
        done_well("after", got="EndDevice"),
    ),
    applies_if="SRV-MUP",
    needs=("set_post_rate",),
)
async def post_rate(stage: ServerStage) -> None:
    """Make a mirror, read its rate; have it changed, read it again."""
    client = stage.client
    where = await client.href("MirrorUsagePointList")
    await client.post(where, documents.mirror(client.lfdi))
    async with part(stage, "before"):
        await client.read("MirrorUsagePointList")
    await stage.operator.set_post_rate(client.lfdi, 300)
    async with part(stage, "after"):
        await client.read("MirrorUsagePointList")
        await client.get(await client.href("EndDevice"))


@case(
    id="SEP2-SRV-MUP-011",
    title="A reading of a meter whose type was never told is refused",
    purpose="Exposes a server that stores values without knowing what they are.",
    public=(),
    requirements=(_UNKNOWN,),
    checks=(refuses("wrong", requirement=_UNKNOWN, method="POST"),),
    observations=(answered("wrong", method="POST"),),
    applies_if="SRV-MUP",
)
async def unknown_meter(stage: ServerStage) -> None:
    """Make a mirror of active power, post reactive power to it."""
    client = stage.client
    where = await client.href("MirrorUsagePointList")
    made = await client.post(where, documents.mirror(client.lfdi))
    told = documents.reading(client.lfdi, "var", 5, stage.now - _STEP, _STEP)
    async with part(stage, "wrong"):
        await client.post(made.header("Location") or where, told, wrong="no type was told")
