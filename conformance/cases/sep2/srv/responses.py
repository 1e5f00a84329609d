"""Responses that must not be taken (S-ALL-57); those that must be are with the controls."""

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.checks.answers import answered, answers, done_well, refuses
from conformance.kit.sep2.checks.stored import stored_count
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import managed_lfdi, offer, read_back
from conformance.kit.sep2.values import limit

_REFUSED = "REQ-CSIPAUS-S-ALL-57-1"
_TAKEN = "REQ-CSIPAUS-S-ALL-57-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: int
    what: str
    content: Mapping[str, object]
    status: int = 1


def _wrong(row: _Row) -> Case:
    @case(
        id=f"CSIP-SRV-RSP-{row.number:03}",
        title=f"A Response with {row.what} is refused",
        purpose="Exposes a server that takes Responses without looking what they are about.",
        public=("S-ALL-57",),
        requirements=(_REFUSED, _TAKEN),
        checks=(
            refuses("wrong", requirement=_REFUSED, method="POST"),
            answers("right", 201, requirement=_TAKEN, method="POST"),
            stored_count(1, requirement=_REFUSED, mark="stored.Response"),
        ),
        observations=(
            done_well("look", got="DERControlList"),
            answered("wrong", method="POST"),
            answered("right", method="POST"),
        ),
        applies_if="SRV-RSP and SRV-READ-BACK",
        needs=("posted",),
    )
    async def script(stage: ServerStage) -> None:
        """Have a control published and read; respond to it wrongly, then rightly; read back what was kept."""
        await offer(stage, "c1", limit(50), ahead=10 * MINUTE, required="03")
        async with part(stage, "look"):
            controls = await stage.client.members("DERControlList")
        for control in controls[:1]:
            async with part(stage, "wrong"):
                await stage.client.respond(control, row.status, content=row.content, wrong=row.what)
            async with part(stage, "right"):
                await stage.client.respond(control, 1)
        await read_back(stage, "Response")

    return script


unknown_subject = _wrong(
    _Row(number=57, what="an mRID that nobody knows", content={"subject": "AB" * 12 + "00040732"})
)
unknown_device = _wrong(
    _Row(number=58, what="an LFDI that nobody knows", content={"endDeviceLFDI": managed_lfdi(99)})
)
unknown_status = _wrong(_Row(number=59, what="a status that means nothing", content={}, status=77))


@case(
    id="CSIP-SRV-RSP-060",
    title="A Response in the name of another device is refused",
    purpose="Exposes a server that takes Responses for whomever they name.",
    public=("S-ALL-57", "S-ALL-05"),
    requirements=(_REFUSED,),
    checks=(
        refuses("wrong", requirement=_REFUSED, method="POST"),
        stored_count(0, requirement=_REFUSED, mark="stored.Response"),
    ),
    observations=(done_well("look", got="DERControlList"), answered("wrong", method="POST")),
    applies_if="SRV-RSP and SRV-READ-BACK",
    needs=("posted",),
)
async def for_another(stage: ServerStage) -> None:
    """Let a second device of the same program respond for the first one."""
    other = await stage.another_client("second")
    await offer(stage, "c1", limit(50), ahead=10 * MINUTE, required="03")
    async with part(stage, "look"):
        controls = await other.members("DERControlList")
    for control in controls[:1]:
        async with part(stage, "wrong"):
            await other.respond(control, 1, lfdi=stage.client.lfdi, wrong="another's LFDI")
    await read_back(stage, "Response")
