"""Which Responses are asked for, and that each arrives once (IEEE 2030.5 clause 8.8, table 27)."""

from dataclasses import dataclass
from datetime import timedelta

from conformance.kit.case import Case
from conformance.kit.replies import status, struck
from conformance.kit.sep2.acts import MINUTE, announce, prove, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import never_responds, responds, responds_at_last, stamped
from conformance.kit.sep2.conditions import responded, seen
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import limit

ONE_DEVICE = ("der", "csipaus")
_ASKED = "REQ-SEP2-8.8-2"
_ONCE = "REQ-SEP2-8.8-4"
_STAMP = "REQ-SEP2-8.8-5"
_OPT = "REQ-SEP2-8.8-6"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: str
    title: str
    required: str
    says: tuple[int, ...]
    mutants: tuple[str, ...]


def _made(row: _Row) -> Case:
    never = tuple(s for s in (1, 2, 3) if s not in row.says)
    says = (responds("one", *row.says, requirement=_ASKED),) if row.says else ()

    async def script(stage: ClientStage) -> None:
        control = announce(stage, "one", limit(60), required=row.required)
        await stage.until(seen("one"), 2 * MINUTE, "read the control")
        await stage.sleep(control.end - stage.now + MINUTE)
        await prove(stage)

    return case(
        id=f"SEP2-CLI-RSP-{row.number}",
        title=row.title,
        purpose="Exposes a client that minds responseRequired not, or not bit by bit.",
        requirements=(_ASKED,),
        checks=(*says, never_responds("one", *never, requirement=_ASKED)),
        observations=(
            control_seen("one"),
            response_seen("proof", 1),
            *(response_seen("one", s) for s in row.says),
        ),
        modes=ONE_DEVICE,
        suspends=("RULE-SEP2-007",),
        mutants=row.mutants,
    )(script)


CASES = tuple(
    _made(row)
    for row in (
        _Row(
            number="001",
            title="responseRequired 00: no Response",
            required="00",
            says=(),
            mutants=("responds-unasked",),
        ),
        _Row(
            number="002",
            title="responseRequired 01: receipt alone",
            required="01",
            says=(1,),
            mutants=("responds-unasked", "minds-one-bit"),
        ),
        _Row(
            number="003",
            title="responseRequired 02: what happens, no receipt",
            required="02",
            says=(2, 3),
            mutants=("responds-unasked",),
        ),
        _Row(
            number="004",
            title="No responseRequired and no replyTo: no Response",
            required="",
            says=(),
            mutants=("responds-to-the-set",),
        ),
    )
)


@case(
    id="SEP2-CLI-RSP-010",
    title="A Response that the server cannot take is sent again, and once taken never more",
    purpose="Exposes a client that gives a Response up, or sends it in spite of an acceptance.",
    requirements=(_ONCE,),
    checks=(responds_at_last("one", 1, 2, 3, requirement=_ONCE),),
    observations=(control_seen("one"), response_seen("one", 1, at_least=2)),
    modes=ONE_DEVICE,
    mutants=("gives-responses-up",),
)
async def taken_later(stage: ClientStage) -> None:
    """Refuse the first two tries for a moment."""
    stage.utility.answer_next("POST ResponseList", status(503), status(500))
    await run_through(stage, announce(stage, "one", limit(60)))


@case(
    id="SEP2-CLI-RSP-011",
    title="The answer to a Response is lost: it is sent again, or counted as sent",
    purpose="Exposes a client that comes to a halt when an answer is lost.",
    requirements=(_ONCE,),
    checks=(responds_at_last("one", 1, 2, 3, requirement=_ONCE),),
    observations=(control_seen("one"), response_seen("one", 1)),
    modes=ONE_DEVICE,
    suspends=("RULE-SEP2-006",),
    mutants=("gives-responses-up",),
)
async def answer_lost(stage: ClientStage) -> None:
    """Reset the line in the place of the answer."""
    stage.utility.answer_next("POST ResponseList", struck("reset_before"))
    await run_through(stage, announce(stage, "one", limit(60)))


@case(
    id="SEP2-CLI-RSP-012",
    title="Responses carry the server's time",
    purpose="Exposes a client that stamps Responses by a clock of its own.",
    public=("CORE-005",),
    requirements=(_STAMP,),
    checks=(stamped("one", offset=timedelta(hours=2), requirement=_STAMP),),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    facts=(("time_s", "7200"),),
    mutants=("stamps-by-own-clock",),
)
async def stamps(stage: ClientStage) -> None:
    """Be two hours ahead from the beginning."""
    await run_through(stage, announce(stage, "one", limit(60)))


@case(
    id="SEP2-CLI-RSP-013",
    title="Somebody leaves a running control: 4 at once, 8 at its end",
    purpose="Exposes a client that says it carried out what it left.",
    requirements=(_OPT,),
    checks=(responds("one", 1, 2, 4, 8, requirement=_OPT, or_else=(10,)),),
    observations=(control_seen("one"), response_seen("one", 4), response_seen("one", at_least=4)),
    modes=ONE_DEVICE,
    applies_if="CLI-OPT",
    mutants=("completes-what-it-left",),
)
async def opted_out(stage: ClientStage) -> None:
    """Have it leave."""
    control = announce(stage, "one", limit(60), lasts=4 * MINUTE)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    await stage.driver.opt_out(stage.utility.mrid("one"))
    await stage.sleep(control.end - stage.now + 2 * MINUTE)
