"""Rules about registration: 024 to 026."""

from collections.abc import Iterator

from conformance.kit.finding import Finding, wrong
from conformance.kit.transcript import Message, Side, Transcript

Ids = tuple[str, str]


def judges_ven(transcript: Transcript) -> bool:
    """Say whether the device is a VEN."""
    return "-VEN-" in transcript.case


def rule_024(transcript: Transcript) -> Iterator[Finding]:
    """A push VEN never polls."""
    if transcript.mode != "push":
        return
    for message in transcript.from_device("oadrPoll"):
        yield wrong("RULE-2B-024", message, "", "no oadrPoll in push mode", "oadrPoll")


def rule_025(transcript: Transcript) -> Iterator[Finding]:
    """A registration says how to reach the other side: pull flag, address, poll period."""
    for message in transcript.from_device("oadrCreatePartyRegistration"):
        yield from _registration(message, transcript.mode)
    for message in transcript.from_device("oadrCreatedPartyRegistration"):
        request = transcript.request(message)
        pulls = request is not None and request.text("oadr:oadrHttpPullModel") == "true"
        given = message.has("ei:registrationID") and message.code.startswith("2")
        if pulls and given and not message.has("oadr:oadrRequestedOadrPollFreq/xcal:duration"):
            path = "oadr:oadrRequestedOadrPollFreq"
            yield wrong("RULE-2B-025", message, path, "a period for a pull VEN", "none")


def _registration(message: Message, mode: str) -> Iterator[Finding]:
    if message.text("oadr:oadrTransportName") != "simpleHttp":
        return
    wanted = "true" if mode == "pull" else "false"
    flag = message.text("oadr:oadrHttpPullModel")
    if flag != wanted:
        path = "oadr:oadrHttpPullModel"
        yield wrong("RULE-2B-025", message, path, f"{wanted} in {mode} mode", flag or "none")
    if mode == "push" and not message.text("oadr:oadrTransportAddress"):
        path = "oadr:oadrTransportAddress"
        yield wrong("RULE-2B-025", message, path, "an address in push mode", "none")


def rule_026(transcript: Transcript) -> Iterator[Finding]:
    """A cancellation names the registration that is meant, and so does the answer that accepts it."""
    held: Ids | None = None
    asked: Ids | None = None
    for message in transcript.messages:
        mine = message.sender is Side.DEVICE
        if message.name == "oadrCreatedPartyRegistration" and message.has("ei:registrationID"):
            held = _ids(message)
        elif message.name == "oadrCancelPartyRegistration":
            if not mine:
                asked = _ids(message)
            elif held is not None and not _fits(_ids(message), held):
                yield _other(message, held)
        elif (
            mine
            and message.name == "oadrCanceledPartyRegistration"
            and asked is not None
            and message.code.startswith("2")
            and not _fits(_ids(message), asked)
        ):
            yield _other(message, asked)


def _ids(message: Message) -> Ids:
    return message.text("ei:registrationID"), message.text("ei:venID")


def _fits(found: Ids, wanted: Ids) -> bool:
    return found[0] == wanted[0] and found[1] in ("", wanted[1])


def _other(message: Message, wanted: Ids) -> Finding:
    shown = " ".join(_ids(message)).strip() or "none"
    return wrong("RULE-2B-026", message, "ei:registrationID", " ".join(wanted), shown)
