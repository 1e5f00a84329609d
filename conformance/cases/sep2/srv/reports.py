"""What devices tell of their DERs is kept (S-ALL-08 to -10), and what is no settings is not taken (S-ALL-55)."""

from collections.abc import Callable
from datetime import datetime

from conformance.kit.case import Case
from conformance.kit.sep2 import client_documents as documents
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.build import seconds, written
from conformance.kit.sep2.checks.answers import (
    answered,
    answers,
    done_well,
    keeps,
    links,
    listed,
    refuses,
    serves,
    unchanged,
)
from conformance.kit.sep2.names import tag
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import AUS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import aggregator
from conformance.kit.sep2.values import watts
from conformance.kit.xml import Element

_STATUS = "REQ-CSIPAUS-S-ALL-08-1"
_MODE = "REQ-CSIPAUS-S-ALL-09-1"
_RATINGS = "REQ-CSIPAUS-S-ALL-10-1"
_PLACES = "REQ-CSIPAUS-S-ALL-10-2"
_INCOMPLETE = "REQ-CSIPAUS-S-ALL-55-1"
_LOGGED = "REQ-CSIP-6.3-51"
_EXACT = "REQ-SEP2-5-51"
Make = Callable[[datetime, bool], Element]
"""Instant, and whether CSIP-AUS is spoken -> document."""


@case(
    id="CSIP-SRV-DER-008",
    title="DERStatus is kept as it was put",
    purpose="Exposes a server that loses parts of the status, or serves an old one.",
    public=("S-ALL-08", "S-ALL-09", "BASIC-028", "CORE-014"),
    requirements=(_STATUS, _MODE),
    checks=(
        answers("tell", 204, requirement=_STATUS, method="PUT"),
        answers("tell", 200, requirement=_STATUS, method="GET"),
        keeps("DERStatus", requirement=_STATUS, part="tell"),
        *(
            serves(
                "DERStatus", {"operationalModeStatus.value": mode}, requirement=_MODE, part=f"mode {mode}"
            )
            for mode in ("1", "2")
        ),
    ),
    observations=(
        answered("tell", 3, method="PUT"),
        done_well("tell", 3, got="DERStatus"),
        done_well("mode 1", got="DERStatus"),
        done_well("mode 2", got="DERStatus"),
    ),
    lasts=3 * MINUTE,
)  # fmt: skip
async def status(stage: ServerStage) -> None:
    """PUT three statuses, read each; then those of a device that is off and on again."""
    where = await stage.client.href("DERStatus")
    async with part(stage, "tell"):
        for connected, alarm in ((7, "00000000"), (0, "00000004"), (1, "00000000")):
            told = documents.status(stage.now, connected=connected, alarmStatus=alarm)
            await stage.client.put(where, told)
            await stage.client.get(where)
            await stage.sleep(MINUTE)
    for mode in (1, 2):
        await stage.client.put(where, documents.status(stage.now, mode=mode))
        async with part(stage, f"mode {mode}"):
            await stage.client.get(where)


@case(
    id="CSIP-SRV-DER-010",
    title="DERCapability and DERSettings are kept as they were put",
    purpose="Exposes a server that loses ratings or settings, mixes up multipliers, or serves old ones.",
    public=("S-ALL-10", "CORE-014"),
    requirements=(_RATINGS, _PLACES),
    checks=(
        answers("tell", 204, requirement=_RATINGS, method="PUT"),
        keeps("DERCapability", requirement=_RATINGS, part="tell"),
        keeps("DERSettings", requirement=_RATINGS, part="tell"),
        links("DER", "DERCapabilityLink", "DERSettingsLink", "DERStatusLink", requirement=_PLACES),
    ),
    observations=(
        done_well("tell", 2, got="DERCapability"),
        done_well("tell", 2, got="DERSettings"),
    ),
)
async def ratings(stage: ServerStage) -> None:
    """PUT capability and settings, read them; put others, with another multiplier, read them again."""
    client, aus = stage.client, stage.mode == "csipaus"
    capability, settings = await client.href("DERCapability"), await client.href("DERSettings")
    async with part(stage, "tell"):
        for size in (watts(12000, 1), watts(30000, 4)):
            told = documents.capability(aus=aus, rtgMaxW=size, rtgMaxVA=size)
            await client.put(capability, told)
            await client.get(capability)
            await client.put(settings, documents.settings(stage.now, aus=aus, setMaxW=size))
            await client.get(settings)


@case(
    id="CSIP-SRV-DER-011",
    title="An aggregator tells the DERs of each of its devices apart",
    purpose="Exposes a server that keeps one status for all devices of an aggregator.",
    public=("S-ALL-08", "UTIL-002"),
    requirements=(_STATUS,),
    checks=(
        answers("tell", 204, requirement=_STATUS, method="PUT"),
        keeps("DERStatus", requirement=_STATUS, part="tell"),
    ),
    observations=(answered("tell", 2, method="PUT"), done_well("tell", 2, got="DERStatus")),
    needs=("register_aggregator",),
)
async def of_each_device(stage: ServerStage) -> None:
    """Let an aggregator put different statuses for two devices, then read both."""
    found, devices = await aggregator(stage, 2)
    places = [await found.href("DERStatus", lfdi) for lfdi in devices]
    async with part(stage, "tell"):
        for place, connected in zip(places, (7, 1), strict=True):
            await found.put(place, documents.status(stage.now, connected=connected))
        for place in places:
            await found.get(place)


def _without(element: Element, *names: str) -> Element:
    for name in names:
        found = element.find(tag(name))
        if found is not None:
            element.remove(found)
    return element


def _incomplete(number: str, name: str, lacks: str, make: Make, modes: tuple[str, ...]) -> Case:
    @case(
        id=f"{'CSIPAUS' if modes == AUS else 'CSIP'}-SRV-DER-{number}",
        title=f"{name} without {lacks.removeprefix('aus:')} is refused, and nothing changes",
        purpose="Exposes a server that stores documents that lack what their type demands.",
        public=("S-ALL-55",),
        requirements=(_INCOMPLETE,),
        checks=(
            answers("right", 204, requirement=_INCOMPLETE, method="PUT"),
            refuses("wrong", requirement=_INCOMPLETE, method="PUT"),
            unchanged("before", "after", requirement=_INCOMPLETE),
        ),
        observations=(
            answered("right", method="PUT"),
            answered("wrong", method="PUT"),
            done_well("before", got=name),
            done_well("after", got=name),
        ),
        modes=modes,
        lasts=MINUTE,
    )
    async def script(stage: ServerStage) -> None:
        """PUT it whole, read it, PUT one that lacks something, read it again."""
        client, aus = stage.client, stage.mode == "csipaus"
        where = await client.href(name)
        async with part(stage, "right"):
            await client.put(where, make(stage.now, aus))
        async with part(stage, "before"):
            await client.get(where)
        await stage.sleep(MINUTE)
        async with part(stage, "wrong"):
            body = written(_without(make(stage.now, aus), lacks))
            await client.send("PUT", where, body, wrong=f"without {lacks}")
        async with part(stage, "after"):
            await client.get(where)

    return script


def _settings(at: datetime, aus: bool) -> Element:  # noqa: FBT001 - a form of documents
    return documents.settings(at, aus=aus, setGradW=seconds(at) % 100)


def _capability(at: datetime, aus: bool) -> Element:  # noqa: FBT001 - likewise
    return documents.capability(aus=aus, rtgMaxV=watts(seconds(at) % 1000))


def _status(at: datetime, _: bool) -> Element:  # noqa: FBT001 - likewise
    return documents.status(at)


_BOTH = ("csip", "csipaus")
settings_without_time = _incomplete("055", "DERSettings", "updatedTime", _settings, _BOTH)
settings_without_power = _incomplete("056", "DERSettings", "setMaxW", _settings, _BOTH)
capability_without_power = _incomplete("057", "DERCapability", "rtgMaxW", _capability, _BOTH)
status_without_time = _incomplete("058", "DERStatus", "readingTime", _status, _BOTH)
capability_without_modes = _incomplete(
    "059", "DERCapability", "aus:doeModesSupported", _capability, AUS
)


@case(
    id="SEP2-SRV-DER-020",
    title="A document with a value out of bounds, in wrong order or of another type is refused",
    purpose="Exposes a server that stores what is no document of 2030.5.",
    public=("S-ALL-55",),
    requirements=(_EXACT,),
    checks=(
        refuses("wrong", requirement=_EXACT, method="PUT"),
        unchanged("before", "after", requirement=_EXACT),
    ),
    observations=(answered("wrong", 5, method="PUT"), done_well("before"), done_well("after")),
)
async def inexact(stage: ServerStage) -> None:
    """PUT a status; then broken ones at the same address; read before and after."""
    client = stage.client
    where = await client.href("DERStatus")
    right = written(documents.status(stage.now))
    await client.send("PUT", where, right)
    async with part(stage, "before"):
        await client.get(where)
    text = right.decode()
    first, last = text.index("<alarmStatus"), text.index("</alarmStatus>") + len("</alarmStatus>")
    moved = text[:first] + text[last:].replace("</DERStatus>", text[first:last] + "</DERStatus>")
    broken = {
        "a value out of bounds": text.replace("<value>4<", "<value>256<"),
        "another order": moved,
        "another namespace": text.replace("urn:ieee:std:2030.5:ns", "urn:ieee:std:2030.5:nt"),
        "no XML": text[:-4],
        "another document": written(documents.log_event(stage.now, 1)).decode(),
    }
    async with part(stage, "wrong"):
        for what, body in broken.items():
            await client.send("PUT", where, body.encode(), wrong=what)
    async with part(stage, "after"):
        await client.get(where)


@case(
    id="CSIP-SRV-LOG-001",
    title="Log events are taken and listed",
    purpose="Exposes a server that loses alarms, or tells no address for them.",
    public=("BASIC-027",),
    requirements=(_LOGGED,),
    checks=(
        answers("tell", 201, requirement=_LOGGED, method="POST"),
        answers("again", 200, requirement=_LOGGED),
        listed("LogEvent", 2, requirement=_LOGGED, part="list", logEventPEN="40732"),
    ),
    observations=(
        answered("tell", 2, method="POST"),
        done_well("again", 2, got="LogEvent"),
        done_well("list", got="LogEventList"),
    ),
    lasts=2 * MINUTE,
)
async def alarms(stage: ServerStage) -> None:
    """POST an alarm and its end; read both at their Location and in the list."""
    client = stage.client
    where = await client.href("LogEventList")
    places = []
    async with part(stage, "tell"):
        for number, code in ((1, 4), (2, 5)):
            found = await client.post(where, documents.log_event(stage.now, number, code))
            places.append(found.header("Location") or "/")
            await stage.sleep(MINUTE)
    async with part(stage, "again"):
        for place in places:
            await client.get(place)
    async with part(stage, "list"):
        await client.read("LogEventList")
