"""One answer to each kind of event, a VTN under test: by state, version, oadrResponseRequired and opt."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from conformance.kit.case import Case, case
from conformance.kit.checks.ordered import carries, event_shows, order, records, reorder
from conformance.kit.checks.vtn import replies
from conformance.kit.oadr20b.event import Event, simple
from conformance.kit.oadr20b.vtn_acts import look, settle
from conformance.kit.observations import mark_set, reached, sent
from conformance.kit.stage import VtnStage

_EVENT: Final = "family-1"
_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_TAKES: Final = "REQ-OADR20B-R48-61"
_RECORDS: Final = "REQ-OADR20B-8.2.2-61"
_REQUIRED: Final = "REQ-OADR20B-R12-61"
_GOES_ON: Final = "REQ-OADR20B-R12-62"
_LAST: Final = "newest.version"
_VERSION: Final = "ei:eiEvent/ei:eventDescriptor/ei:modificationNumber"
_ALWAYS: Final = "oadr:oadrResponseRequired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of the family."""

    number: int
    code: str
    what: str

    @property
    def active(self) -> bool:
        """Say whether the event runs when it is distributed."""
        return self.code.startswith(("A", "CA"))

    @property
    def version(self) -> int:
        """Return the last modificationNumber."""
        return int("1" in self.code)

    @property
    def required(self) -> bool:
        """Say whether an answer is asked for."""
        return self.code[-3] == "A"

    @property
    def repeated(self) -> bool:
        """Say whether the VEN gets the event again, and answers again."""
        return self.code[-2] == "Y"

    @property
    def opt(self) -> str:
        """Return what the VEN says; empty: nothing."""
        return {"I": "optIn", "O": "optOut", "N": ""}[self.code[-1]]


FAMILY: Final = (
    Member(number=452, code="P0ANI", what="A pending event, joined"),
    Member(number=454, code="P0AYI", what="A pending event that is listed again, joined again"),
    Member(number=468, code="P0NNN", what="A pending event that wants no answer"),
    Member(number=470, code="P1ANI", what="A modified pending event, joined"),
    Member(number=474, code="P1ANO", what="A modified pending event, left"),
    Member(number=480, code="P1NNN", what="A modified pending event that wants no answer"),
    Member(number=484, code="A0ANI", what="A running event, joined"),
    Member(number=490, code="A1ANO", what="A modified running event, left"),
    Member(number=492, code="CP1ANI", what="A cancelled pending event, confirmed"),
    Member(number=496, code="CP1ANO", what="A cancelled pending event that goes on"),
    Member(number=498, code="CP1NNN", what="A cancelled pending event that wants no answer"),
)
"""P pending, A active, C cancelled of either; version; A always or N never; Y listed again; what the VEN says."""


def _of(stage: VtnStage, member: Member) -> Event:
    start = stage.now - timedelta(minutes=5) if member.active else stage.now + _SOON
    return simple(_EVENT, start.replace(microsecond=0), _HOUR, 1, required=member.required)


def _played(member: Member) -> Callable[[VtnStage], Awaitable[None]]:
    async def play(stage: VtnStage) -> None:
        stage.ven.opt = {"optIn": "optOut", "optOut": "optIn"}.get(member.opt, "")
        event = _of(stage, member)
        if not member.version:
            stage.ven.opt = member.opt
            stage.mark(_LAST)
        await order(stage, event)
        await settle(stage)
        if member.version:
            stage.ven.opt = member.opt
            stage.mark(_LAST)
            await _newer(stage, member, event)
            await settle(stage)
        if member.repeated:
            await stage.ven.answer(await look(stage, "again"))
        if member.opt:
            await stage.driver.state()
        await look(stage, "after")

    return play


async def _newer(stage: VtnStage, member: Member, event: Event) -> None:
    if member.code.startswith("C"):
        await stage.cancel(_EVENT)
    else:
        longer = simple(_EVENT, event.start, 2 * _HOUR, 2, required=member.required)
        await reorder(stage, longer)


def _member(member: Member) -> Case:
    required = "always" if member.required else "never"
    answered = (
        replies("oadrCreatedEvent", "oadrResponse", "200", requirement=_TAKES),
        records(_EVENT, member.opt, requirement=_RECORDS),
    )
    asked = ("oadrRequestEvent", "oadrDistributeEvent", "200")
    return case(
        id=f"OADR20B-VTN-EVT-{member.number:03}",
        title=f"{member.what} ({member.code})",
        purpose=f"Exposes a VTN that distributes {member.code} wrongly, or trips over what the VEN says.",
        public=(f"A_E3_{member.number:04}", f"A_E2_{member.number:04}"),
        requirements=(_REQUIRED, *((_TAKES, _RECORDS) if member.opt else (_GOES_ON,))),
        needs=("create_event", "modify_event", "cancel_event", "state"),
        checks=(
            event_shows(_LAST, _EVENT, _VERSION, str(member.version), requirement=_REQUIRED),
            event_shows(_LAST, _EVENT, _ALWAYS, required, requirement=_REQUIRED),
            carries(_EVENT, "required", requirement=_REQUIRED),
            *(answered if member.opt else (replies(*asked, requirement=_GOES_ON, after=_LAST),)),
        ),
        observations=(
            mark_set(_LAST),
            sent("oadrDistributeEvent", member.version + 1 + member.repeated),
            *(
                (reached("oadrCreatedEvent", member.version + 1 + member.repeated),)
                if member.opt
                else ()
            ),
        ),
        mutants=(f"vtn-wrong-on-{member.code.lower()}",),
    )(_played(member))


MEMBERS: Final = tuple(_member(member) for member in FAMILY)
