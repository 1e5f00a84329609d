"""EiRegisterParty, a VEN under test: cancellation from either side, and what reaches a VEN without registration."""

from datetime import timedelta

from conformance.kit.case import Start, case
from conformance.kit.checks.events import never_answers
from conformance.kit.checks.flow import answers, field, never, sends
from conformance.kit.checks.registration import (
    CREATE,
    bootstraps,
    given_registration,
    given_ven,
    silent_unregistered,
)
from conformance.kit.oadr20b.announce import CONTROL, still_answers
from conformance.kit.oadr20b.build import distribute_event, ei_event, make
from conformance.kit.oadr20b.conditions import delivered, received
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.offers import USAGE, offered
from conformance.kit.oadr20b.registration import canceled_registration
from conformance.kit.observations import event_answered, exchanges, mark_set, reached, sent
from conformance.kit.stage import VenStage, edits, says
from conformance.kit.xml import Element

PATIENCE = timedelta(minutes=2)
_CANCEL = "oadrCancelPartyRegistration"
_CANCELED = "oadrCanceledPartyRegistration"
_WORK = (
    "oadrPoll",
    "oadrRequestEvent",
    "oadrRegisterReport",
    "oadrUpdateReport",
    "oadrCreatedEvent",
    "oadrCreateOpt",
)


async def _report_runs(stage: VenStage) -> None:
    offer = await offered(stage, USAGE)
    every = max(offer.least, timedelta(seconds=10))
    stage.utility.request_report(offer.request("running-1", every=every, start=stage.now))
    await stage.until(received("oadrUpdateReport"), PATIENCE, "deliver a report")


@case(
    id="OADR20B-VEN-REG-030",
    title="A VEN that cancels falls silent",
    purpose="Exposes a VEN that cancels under wrong ids, or goes on polling and reporting.",
    public=("N1_0030", "N0_5030"),
    applies_if="VEN-REG-CANCEL",
    requirements=("REQ-OADR20B-R407-1", "REQ-OADR20B-8.4.1-1", "REQ-OADR20B-R517-1"),
    checks=(
        field(_CANCEL, "ei:registrationID", given_registration, requirement="REQ-OADR20B-8.4.1-1"),
        field(_CANCEL, "ei:venID", given_ven, requirement="REQ-OADR20B-8.4.1-1"),
        never(_WORK, requirement="REQ-OADR20B-R407-1", after="ended"),
        silent_unregistered(),
    ),
    observations=(sent(_CANCEL), sent("oadrUpdateReport"), reached(_CANCELED), mark_set("watched")),
    needs=("cancel_registration",),
    mutants=("cancels-without-ending", "cancels-by-wrong-id"),
)
async def own_cancel(stage: VenStage) -> None:
    """Let a report run, have the device cancel, and watch three of its periods."""
    await _report_runs(stage)
    await stage.driver.call("cancel_registration")
    await stage.until(delivered(_CANCELED), PATIENCE, "cancel its registration")
    stage.mark("ended")
    await stage.sleep(timedelta(seconds=45))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-REG-032",
    title="A cancellation that the VTN refuses leaves the registration",
    purpose="Exposes a VEN that takes a refusal for a success.",
    applies_if="VEN-REG-CANCEL",
    requirements=("REQ-OADR20B-T0070-1",),
    checks=(sends("oadrUpdateReport", requirement="REQ-OADR20B-T0070-1", after="ended", most=99),),
    observations=(sent(_CANCEL), mark_set("watched")),
    needs=("cancel_registration",),
    mutants=("cancelled-though-refused",),
)
async def refused_cancel(stage: VenStage) -> None:
    """Let a report run and answer the device's cancellation with 452."""
    await _report_runs(stage)
    held = says(_refusal(stage), wrong="refuses right ids")
    stage.utility.answer_next(_CANCEL, held)
    await stage.driver.call("cancel_registration")
    await stage.until(received(_CANCEL), PATIENCE, "cancel its registration")
    await stage.until(lambda t: t.from_suite(_CANCELED) or None, PATIENCE, "take the refusal")
    stage.mark("ended")
    await stage.sleep(timedelta(seconds=45))
    stage.mark("watched")


def _refusal(stage: VenStage) -> Element:
    utility = stage.utility
    return canceled_registration("", "452", utility.registration_id, utility.ven_id)


@case(
    id="OADR20B-VEN-REG-040",
    title="A VTN may cancel",
    purpose="Exposes a VEN that does not confirm a cancellation with its ids, or goes on as before.",
    public=("N1_0040", "N0_5040"),
    requirements=("REQ-OADR20B-T0040-1", "REQ-OADR20B-R407-1", "REQ-OADR20B-R517-1"),
    checks=(
        answers(_CANCEL, _CANCELED, requirement="REQ-OADR20B-T0040-1"),
        field(
            _CANCELED, "ei:registrationID", given_registration, requirement="REQ-OADR20B-T0040-1"
        ),
        field(_CANCELED, "ei:venID", given_ven, requirement="REQ-OADR20B-T0040-1"),
        never(_WORK, requirement="REQ-OADR20B-R407-1", after="ended", until="back"),
        silent_unregistered(),
    ),
    observations=(reached(_CANCEL), sent(_CANCELED), sent("oadrUpdateReport"), mark_set("watched")),
    mutants=("canceled-without-ids", "stays-registered", "no-answer-to-cancel"),
)
async def vtn_cancel(stage: VenStage) -> None:
    """Let a report run, cancel, and watch until the device registers anew, 45 s at the longest."""
    await _report_runs(stage)
    stage.utility.cancel_registration()
    await stage.until(delivered(_CANCEL), PATIENCE, "take the cancellation")
    await stage.maybe(received(_CANCELED), PATIENCE, "confirm the cancellation")
    stage.mark("ended")
    here = stage.transcript.marks[-1].number
    await stage.maybe(received(CREATE, after=here), timedelta(seconds=45), "register anew, perhaps")
    stage.mark("back")
    stage.mark("watched")


@case(
    id="OADR20B-VEN-REG-043",
    title="A registration after a cancellation is a new one",
    purpose="Exposes a VEN that comes back with cancelled ids, or goes on with cancelled reports.",
    requirements=("REQ-OADR20B-R407-1",),
    checks=(
        field(CREATE, "ei:registrationID", "", requirement="REQ-OADR20B-R407-1", after="ended"),
        never(("oadrUpdateReport",), requirement="REQ-OADR20B-R407-1", after="ended"),
    ),
    observations=(reached(_CANCEL), sent("oadrUpdateReport"), sent(CREATE), mark_set("watched")),
    needs=("register",),
    mutants=("remembers-cancelled-reports", "comes-back-with-old-id"),
)
async def after_cancel(stage: VenStage) -> None:
    """Cancel while a report runs, have the device register, and watch."""
    await _report_runs(stage)
    stage.utility.cancel_registration()
    await stage.until(received(_CANCELED), PATIENCE, "confirm the cancellation")
    stage.mark("ended")
    here = stage.transcript.marks[-1].number
    await stage.sleep(timedelta(seconds=1))
    await stage.driver.call("register", afresh="no")
    await stage.until(received(CREATE, after=here), PATIENCE, "register")
    await stage.sleep(timedelta(seconds=45))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-REG-070",
    title="A cancellation under wrong ids is refused",
    purpose="Exposes a VEN that lets itself be cancelled by a wrong registrationID or venID.",
    public=("N1_0070", "N0_5070"),
    requirements=("REQ-OADR20B-T0070-1", "REQ-OADR20B-T0040-1"),
    checks=(
        answers(
            _CANCEL,
            _CANCELED,
            codes=("452",),
            wrong_ones=True,
            requirement="REQ-OADR20B-T0070-1",
        ),
        answers(_CANCEL, _CANCELED, wrong_ones=False, requirement="REQ-OADR20B-T0040-1"),
        never((CREATE,), requirement="REQ-OADR20B-T0070-1", after="case.prepared", until="right"),
    ),
    observations=(
        reached(_CANCEL, 3),
        sent(_CANCELED, 3),
    ),
    suspends=("RULE-2B-026",),
    mutants=("any-registration-id", "any-ven-id", "refuses-every-cancel"),
)
async def wrong_cancel(stage: VenStage) -> None:
    """Cancel with a wrong registrationID, then a wrong venID, then as it should be."""
    utility = stage.utility
    utility.cancel_registration(registration_id=utility.registration_id + "x")
    await stage.until(received(_CANCELED), PATIENCE, "refuse a registrationID")
    utility.cancel_registration(ven_id=utility.ven_id.swapcase())
    await stage.until(received(_CANCELED, times=2), PATIENCE, "refuse a venID")
    stage.mark("right")
    utility.cancel_registration()
    await stage.until(received(_CANCELED, times=3), PATIENCE, "confirm the cancellation")


@case(
    id="OADR20B-VEN-REG-080",
    title="An event that reaches an unregistered VEN is ignored",
    purpose="Exposes a VEN that answers events before it is registered.",
    public=("N1_0080", "N0_5080"),
    applies_if="VEN-REG-QUERY",
    requirements=("REQ-OADR20B-R405-2", "REQ-OADR20B-R517-1"),
    checks=(
        never_answers("stray-1", requirement="REQ-OADR20B-R405-2"),
        silent_unregistered(),
    ),
    observations=(
        reached("oadrDistributeEvent", after_mark=""),
        sent(CREATE),
        exchanges(1),
        event_answered(CONTROL),
    ),
    start=Start.FRESH,
    mutants=("answers-events-unregistered",),
)
async def stray_event(stage: VenStage) -> None:
    """Answer the device's query with an event and see it register all the same."""
    event = ei_event(
        simple("stray-1", stage.now + timedelta(hours=1), timedelta(hours=1)),
        stage.now,
        stage.value("market_context"),
    )
    stray = distribute_event(
        [event], vtn_id=stage.utility.vtn_id, request_id="stray", replying_to=""
    )
    stage.utility.answer_next("oadrQueryRegistration", says(stray, wrong="an event as answer"))
    await stage.until(received(CREATE), PATIENCE, "register")
    await stage.sleep(timedelta(seconds=20))
    await still_answers(stage)


@case(
    id="OADR20B-VEN-REG-085",
    title="A refused registration is none",
    purpose="Exposes a VEN that goes to work though its registration was refused.",
    requirements=("REQ-OADR20B-R517-1",),
    checks=(silent_unregistered(),),
    observations=(sent(CREATE), mark_set("watched")),
    start=Start.FRESH,
    facts=(("vtn_metadata", "no"),),
    mutants=("registered-though-refused",),
)
async def refused_registration(stage: VenStage) -> None:
    """Refuse every registration with 463 for a minute, ids and all in the answer."""

    def refuse(message: Element) -> None:
        code = message.find(".//{*}responseCode")
        if code is not None:
            code.text = "463"

    stage.utility.answer_always(CREATE, edits(refuse, wrong="refuses though nothing is wrong"))
    await stage.until(received(CREATE), PATIENCE, "register")
    await stage.sleep(timedelta(minutes=1))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-REG-095",
    title="Extensions in the registration are tolerated",
    purpose="Exposes a VEN that stumbles over oadrServiceSpecificInfo and oadrExtensions.",
    requirements=("REQ-OADR20B-R309-1", "REQ-OADR20B-R405-1"),
    checks=(bootstraps(),),
    observations=(sent(CREATE), mark_set("watched")),
    start=Start.FRESH,
    mutants=("stumbles-over-extensions",),
)
async def extensions(stage: VenStage) -> None:
    """Add both to the answer of the registration."""
    stage.utility.answer_next(CREATE, edits(_extend, wrong=""))
    await stage.until(received(CREATE), PATIENCE, "register")
    await stage.sleep(timedelta(seconds=65))
    stage.mark("watched")


def _extend(message: Element) -> None:
    info = make(
        "oadr:oadrInfo", make("oadr:oadrKey", "colour"), make("oadr:oadrValue", "blue & <green>")
    )
    service = make("oadr:oadrService", make("oadr:oadrServiceName", "EiEvent"), info)
    message.append(make("oadr:oadrServiceSpecificInfo", service))
    other = make(
        "oadr:oadrInfo", make("oadr:oadrKey", "depth"), make("oadr:oadrValue", "12 \U0001f30d")
    )
    extension = make("oadr:oadrExtension", make("oadr:oadrExtensionName", "x-suite"), other)
    message.append(make("oadr:oadrExtensions", extension))
