"""Notifications that are wrong, or somebody else's: refused, without any effect, and the next right one counts."""

from conformance.cases.sep2.cli.notified import CONTROLS
from conformance.cases.sep2.cli.subscribing import RARELY, SUB, TOLD
from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, announce, prove
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import never_responds
from conformance.kit.sep2.checks.notifications import acts_on_notification, refuses
from conformance.kit.sep2.notices import NO_CERTIFICATE, OTHER_ROOT, STRANGER, Notice
from conformance.kit.sep2.observations import response_seen
from conformance.kit.sep2.subscribed import notice_seen, notification_seen, settle
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import limit
from conformance.kit.xml import Element

_ACTS = "REQ-SEP2-8.9-4"
_MATCH = "REQ-SEP2-8.9-5"
_WHO = "REQ-SEP2-8.9-6"
_LARGE = 2 << 20


def ghost(stage: ClientStage) -> Element:
    """Return a list with a control that the server has never served, and never will."""
    stage.utility.hush()
    announce(stage, "ghost", limit(10), ahead=3 * MINUTE)
    found = stage.utility.document(*CONTROLS)
    stage.utility.withdraw("ghost")
    stage.utility.hush(silent=False)
    return found


async def _then_right(stage: ClientStage, notice: Notice) -> None:
    """Send a notice; then have something right notified, and let the ghost's time come."""
    await stage.utility.notify(notice)
    await stage.sleep(MINUTE)
    await prove(stage)
    await stage.sleep(4 * MINUTE)


def _wrong(number: int, word: str, title: str, exposes: str, mutant: str) -> Case:
    """A notification that does not match its subscription."""

    @case(
        id=f"SEP2-CLI-SUB-{number:03}",
        title=title,
        purpose=f"Exposes a client that {exposes}.",
        public=("ERR-002",),
        requirements=(_MATCH, _ACTS),
        checks=(
            refuses(word, requirement=_MATCH),
            never_responds("ghost", requirement=_MATCH),
            acts_on_notification("proof", requirement=_ACTS),
        ),
        observations=(notice_seen(word), notification_seen(), response_seen("proof")),
        facts=TOLD,
        poll=RARELY,
        lasts=10 * MINUTE,
        applies_if=SUB,
        mutants=(mutant,),
    )
    async def script(stage: ClientStage) -> None:
        await settle(stage, "DERControlList")
        document = ghost(stage)
        elsewhere = stage.utility.href("Time")
        notices = {
            "other resource": Notice(of=CONTROLS, document=document, resource=elsewhere),
            "other type": Notice(of=CONTROLS, document=stage.utility.document("EndDeviceList")),
            "unknown": Notice(of=CONTROLS, document=document, subscription=elsewhere),
            "broken": Notice(
                of=CONTROLS, body=b"<Notification xmlns='urn:ieee:std:2030.5:ns'><sta"
            ),
            "another document": Notice(of=CONTROLS, body=_TIME),
            "large": Notice(of=CONTROLS, body=b" " * _LARGE + b"<Notification"),
            "other media type": Notice(of=CONTROLS, media_type="text/html"),
        }
        given = notices[word]
        await _then_right(stage, _named(given, word))

    return script


_TIME = (
    b'<Time xmlns="urn:ieee:std:2030.5:ns"><currentTime>0</currentTime><dstEndTime>0</dstEndTime><dstOffset>0'
    b"</dstOffset><dstStartTime>0</dstStartTime><quality>7</quality><tzOffset>0</tzOffset></Time>"
)


def _named(notice: Notice, word: str) -> Notice:
    return Notice(
        of=notice.of,
        name=word,
        document=notice.document,
        resource=notice.resource,
        subscription=notice.subscription,
        body=notice.body,
        media_type=notice.media_type,
        wrong=word,
    )


@case(
    id="SEP2-CLI-SUB-021",
    title="Somebody else of the same hierarchy notifies: nothing of it is done",
    purpose="Exposes a client that believes whoever has a certificate.",
    requirements=(_WHO, _ACTS),
    checks=(
        never_responds("ghost", requirement=_WHO),
        acts_on_notification("proof", requirement=_ACTS),
    ),
    observations=(notice_seen("stranger"), notification_seen(), response_seen("proof")),
    facts=TOLD,
    poll=RARELY,
    lasts=10 * MINUTE,
    applies_if=SUB,
    mutants=("believes-whoever-comes",),
)
async def stranger(stage: ClientStage) -> None:
    """Notify of a control by a device's certificate."""
    await settle(stage, "DERControlList")
    document = ghost(stage)
    notice = Notice(
        of=CONTROLS, name="stranger", document=document, face=STRANGER, wrong="of a stranger"
    )
    await _then_right(stage, notice)


def _untrusted(number: int, face: str, title: str, mutant: str) -> Case:
    """Whoever cannot show a certificate that is trusted is not heard."""

    @case(
        id=f"SEP2-CLI-SUB-{number:03}",
        title=title,
        purpose="Exposes a client whose listener does not demand mutual authentication.",
        requirements=(_WHO, _ACTS),
        checks=(
            refuses(face, requirement=_WHO),
            never_responds("ghost", requirement=_WHO),
            acts_on_notification("proof", requirement=_ACTS),
        ),
        observations=(notice_seen(face), notification_seen(), response_seen("proof")),
        facts=TOLD,
        poll=RARELY,
        lasts=10 * MINUTE,
        applies_if=SUB,
        mutants=(mutant,),
    )
    async def script(stage: ClientStage) -> None:
        await settle(stage, "DERControlList")
        document = ghost(stage)
        await _then_right(
            stage, Notice(of=CONTROLS, name=face, document=document, face=face, wrong=face)
        )

    return script


CASES = (
    _wrong(
        12,
        "other resource",
        "A notification of another resource: refused",
        "looks at the name of its subscription alone",
        "minds-no-resource",
    ),
    _wrong(
        13,
        "other type",
        "A notification that brings another kind of resource: refused",
        "minds not what a notification brings",
        "minds-no-kind",
    ),
    _wrong(
        14,
        "unknown",
        "A notification of a subscription that it has not made: refused",
        "takes every notification for its own",
        "takes-any-subscription",
    ),
    _wrong(
        15,
        "another document",
        "A document that is no notification: refused",
        "takes whatever is posted",
        "takes-any-document",
    ),
    _wrong(
        18,
        "broken",
        "A notification that breaks off: refused",
        "answers before it has read",
        "takes-what-it-cannot-read",
    ),
    _wrong(
        19,
        "large",
        "Two megabytes that are no notification: refused",
        "answers what it does not read by success",
        "takes-what-is-too-large",
    ),
    _wrong(
        20,
        "other media type",
        "A notification as text/html: refused",
        "minds no media type",
        "minds-no-media-type",
    ),
    _untrusted(
        22, OTHER_ROOT, "Somebody of another hierarchy notifies: refused", "trusts-any-root"
    ),
    _untrusted(
        23, NO_CERTIFICATE, "Somebody without a certificate notifies: refused", "trusts-any-root"
    ),
)
