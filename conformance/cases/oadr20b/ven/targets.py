"""For whom an event is, a VEN under test: targets, market contexts, ids and their case (rules 22, 48, 63, 512)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from conformance.kit.case import Case, Timing, case
from conformance.kit.checks.events import ANSWERED, RIGHT_ANSWER, taken
from conformance.kit.checks.refusals import refuses_distribution, refuses_event
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b.announce import announce
from conformance.kit.oadr20b.event import Event, Target, simple
from conformance.kit.observations import event_answered, event_reached, reached
from conformance.kit.stage import VenStage

_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_MISMATCH: Final = "REQ-OADR20B-R48-3"
_UNION: Final = "REQ-OADR20B-R22-1"
_FOR_OTHERS: Final = "REQ-OADR20B-R63-1"
_EVENT: Final = "target-1"


def _event(stage: VenStage, target: Target) -> Event:
    return replace(simple(_EVENT, stage.now + _SOON, _HOUR), target=target)


def _in_context(stage: VenStage, context: str) -> Event:
    return replace(simple(_EVENT, stage.now + _SOON, _HOUR), context=context)


def _shouting(context: str) -> str:
    scheme, _, rest = context.partition("://")
    host, mark, path = rest.partition("/")
    return f"{scheme.upper()}://{host.upper()}{mark}{path}"


def _ours(stage: VenStage) -> Event:
    return _event(stage, Target(resource_ids=(stage.value("resource_id"),)))


def _group(stage: VenStage) -> Event:
    return _event(stage, Target(group_ids=(stage.value("group_id"),)))


def _several(stage: VenStage) -> Event:
    own = stage.utility.ven_id
    return _event(stage, Target(group_ids=("nobody",), resource_ids=("nothing",), ven_ids=(own,)))


def _other_ven(stage: VenStage) -> Event:
    return _event(stage, Target(ven_ids=("some-other-ven",)))


def _other_resource(stage: VenStage) -> Event:
    return _event(stage, Target(resource_ids=("some-other-site",)))


def _other_party(stage: VenStage) -> Event:
    return _event(stage, Target(party_ids=("some-other-party",)))


def _other_case(stage: VenStage) -> Event:
    return _event(stage, Target(ven_ids=(stage.utility.ven_id.swapcase(),)))


def _other_context(stage: VenStage) -> Event:
    return _in_context(stage, "http://gridgate.example/no-such-program")


def _second_context(stage: VenStage) -> Event:
    return _in_context(stage, stage.value("second_market_context"))


def _loud_context(stage: VenStage) -> Event:
    return _in_context(stage, _shouting(stage.value("market_context")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One target or context, and whether an event with it is taken."""

    number: int
    title: str
    making: Callable[[VenStage], Event]
    requirement: str
    mutant: str
    taken: bool
    public: tuple[str, ...] = ()
    item: str = ""


ROWS: Final = (
    Row(
        number=71,
        title="Of several kinds of target one that fits is enough",
        making=_several,
        requirement=_UNION,
        mutant="wants-all-targets",
        taken=True,
        public=("A_E1_0070", "A_E0_0070"),
    ),
    Row(
        number=72,
        title="An event for a resource of the device is taken",
        making=_ours,
        requirement="REQ-OADR20B-R63-2",
        mutant="knows-no-resource",
        taken=True,
    ),
    Row(
        number=73,
        title="An event for a group of the device is taken",
        making=_group,
        requirement="REQ-OADR20B-R63-3",
        mutant="knows-no-group",
        taken=True,
        item="VEN-EVT-GROUP",
    ),
    Row(
        number=285,
        title="An event of a second market context is taken",
        making=_second_context,
        requirement="REQ-OADR20B-R48-4",
        mutant="knows-one-context",
        taken=True,
        public=("A_E1_0285", "A_E0_0285"),
        item="VEN-EVT-CONTEXTS",
    ),
    Row(
        number=326,
        title="A market context is compared as a URI",
        making=_loud_context,
        requirement="REQ-OADR20B-R512-2",
        mutant="compares-contexts-as-texts",
        taken=True,
    ),
    Row(
        number=300,
        title="An event for another VEN is refused",
        making=_other_ven,
        requirement=_FOR_OTHERS,
        mutant="takes-events-of-other-vens",
        taken=False,
        public=("A_E1_0300", "A_E0_0300"),
    ),
    Row(
        number=301,
        title="An event for another resource is refused",
        making=_other_resource,
        requirement="REQ-OADR20B-R63-4",
        mutant="takes-events-of-other-resources",
        taken=False,
    ),
    Row(
        number=302,
        title="An event for another party is refused",
        making=_other_party,
        requirement="REQ-OADR20B-R63-5",
        mutant="takes-events-of-other-parties",
        taken=False,
    ),
    Row(
        number=303,
        title="A venID in another case is another VEN",
        making=_other_case,
        requirement="REQ-OADR20B-R512-3",
        mutant="compares-ven-ids-without-case",
        taken=False,
    ),
    Row(
        number=325,
        title="An event of another market context is refused",
        making=_other_context,
        requirement=_MISMATCH,
        mutant="takes-any-context",
        taken=False,
        public=("A_E1_0325", "A_E0_0325"),
    ),
)
"""Targets and contexts."""


def _announced(row: Row) -> Callable[[VenStage], Awaitable[None]]:
    async def play(stage: VenStage) -> None:
        await announce(stage, row.making(stage))

    return play


def _row(row: Row) -> Case:
    refused = refuses_event(_EVENT, row.requirement)
    return case(
        id=f"OADR20B-VEN-TGT-{row.number:03}",
        title=row.title,
        purpose="Exposes a VEN that does not know which events are for it.",
        public=row.public,
        requirements=(row.requirement, RIGHT_ANSWER, ANSWERED),
        applies_if=row.item,
        checks=taken(_EVENT, row.requirement) if row.taken else (refused,),
        observations=(event_reached(_EVENT), event_answered(_EVENT)),
        mutants=(row.mutant,),
    )(_announced(row))


CASES: Final = tuple(_row(row) for row in ROWS)


async def _distribute(stage: VenStage, vtn_id: str, why: str, version: str = "2.0b") -> None:
    event = simple("foreign-1", stage.now + _SOON, _HOUR)
    listing = build.distribute_event(
        [build.ei_event(event, stage.now, stage.value("market_context"))],
        vtn_id=vtn_id,
        request_id="foreign",
        replying_to="" if stage.mode == "pull" else None,
    )
    listing.set(build.tag("ei:schemaVersion"), version)
    stage.utility.send(listing, wrong=why)
    await stage.sleep(timedelta(minutes=3))


_SWAPPED: Final = "a vtnID in another case"
_UNKNOWN: Final = "an unknown vtnID"
_OLD: Final = "schemaVersion 2.0a"


@case(
    id="OADR20B-VEN-TGT-080",
    title="A vtnID in another case is refused by 452",
    purpose="Exposes a VEN that compares ids without their case.",
    public=("E1_1080", "E0_6080"),
    requirements=("REQ-OADR20B-R512-4",),
    checks=(refuses_distribution(_SWAPPED, "REQ-OADR20B-R512-4", codes=("452",)),),
    observations=(reached("oadrDistributeEvent"),),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("compares-vtn-ids-without-case",),
)
async def swapped_vtn_id(stage: VenStage) -> None:
    """Distribute an event under the vtnID with upper and lower case exchanged."""
    await _distribute(stage, stage.utility.vtn_id.swapcase(), _SWAPPED)


@case(
    id="OADR20B-VEN-TGT-390",
    title="An unknown vtnID is refused",
    purpose="Exposes a VEN that takes events of any VTN.",
    public=("A_E1_0390", "A_E0_0390"),
    requirements=("REQ-OADR20B-T0390-1",),
    checks=(refuses_distribution(_UNKNOWN, "REQ-OADR20B-T0390-1"),),
    observations=(reached("oadrDistributeEvent"),),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("takes-events-of-any-vtn",),
)
async def unknown_vtn_id(stage: VenStage) -> None:
    """Distribute an event under a vtnID that nobody has registered with."""
    await _distribute(stage, "some-other-vtn", _UNKNOWN)


@case(
    id="OADR20B-VEN-TGT-391",
    title="A distribution of another profile is refused",
    purpose="Exposes a VEN that does not look at schemaVersion.",
    requirements=("REQ-OADR20B-TVERSION-1",),
    applies_if="VEN-EVT-VALIDATES",
    checks=(refuses_distribution(_OLD, "REQ-OADR20B-TVERSION-1"),),
    observations=(reached("oadrDistributeEvent"),),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("ignores-schema-version",),
)
async def other_version(stage: VenStage) -> None:
    """Distribute an event that says it is of 2.0a."""
    await _distribute(stage, stage.utility.vtn_id, _OLD, "2.0a")
