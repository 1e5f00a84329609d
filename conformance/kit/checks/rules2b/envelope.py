"""Rules about the document and its transport: 001 to 007."""

from collections.abc import Iterator
from typing import Final

from conformance.kit.finding import Finding, wrong
from conformance.kit.oadr20b.build import tag
from conformance.kit.transcript import Message, Part, Transcript

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_OK: Final = 200


def documents(transcript: Transcript) -> Iterator[Message]:
    """Yield what the device sent as documents: requests, and answers of 200 with a body."""
    for message in transcript.from_device():
        if message.broken:
            continue
        if message.part is Part.REQUEST or (message.status == _OK and message.body.strip()):
            yield message


def rule_001(transcript: Transcript) -> Iterator[Finding]:
    """Valid by the schema, without schemaLocation."""
    for message in documents(transcript):
        for fault in message.schema_faults[:1]:
            yield wrong("RULE-2B-001", message, "", "a document valid by the 2.0b schema", fault)
        if message.root is not None and message.root.get(_XSI) is not None:
            yield wrong("RULE-2B-001", message, "/*/@xsi:schemaLocation", "none", "one")


def rule_002(transcript: Transcript) -> Iterator[Finding]:
    """Carries schemaVersion 2.0b."""
    for message in documents(transcript):
        if message.payload is None:
            continue
        found = message.payload.get(tag("ei:schemaVersion"))
        if found != "2.0b":
            yield wrong("RULE-2B-002", message, "@ei:schemaVersion", "2.0b", found or "none")


def rule_003(transcript: Transcript) -> Iterator[Finding]:
    """Has the headers that the transport wants (sections 9.1.5 and 9.1.9)."""
    for message in transcript.from_device():
        if message.broken:
            continue
        if "chunked" in message.header("Transfer-Encoding").lower():
            yield wrong("RULE-2B-003", message, "Transfer-Encoding", "none", "chunked")
        if message.part is Part.REQUEST:
            yield from _request_headers(message)
        if message.body.strip():
            yield from _content_type(message)


def _request_headers(message: Message) -> Iterator[Finding]:
    if message.method != "POST":
        yield wrong("RULE-2B-003", message, "method", "POST", message.method)
    for name in ("Host", "Content-Length"):
        if not message.header(name):
            yield wrong("RULE-2B-003", message, name, "a header", "none")
    accept = message.header("Accept")
    if accept and not any(word in accept for word in ("application/xml", "*/*")):
        yield wrong("RULE-2B-003", message, "Accept", "application/xml", accept)


def _content_type(message: Message) -> Iterator[Finding]:
    found = message.header("Content-Type")
    kind, _, rest = found.partition(";")
    charset = rest.lower().replace(" ", "").replace('"', "")
    if kind.strip().lower() != "application/xml" or charset not in ("", "charset=utf-8"):
        yield wrong("RULE-2B-003", message, "Content-Type", "application/xml", found or "none")


def rule_004(transcript: Transcript) -> Iterator[Finding]:
    """Repeats the requestID of what it answers."""
    for message in transcript.from_device():
        request = transcript.request(message) if message.part is Part.RESPONSE else None
        if request is None or message.payload is None or not message.has("ei:eiResponse"):
            continue
        wanted = request.text("pyld:requestID") or request.text(
            "pyld:eiRequestEvent/pyld:requestID"
        )
        if not wanted:  # a poll has none, and an answer that is posted repeats the other side's
            continue
        found = message.text("ei:eiResponse/pyld:requestID")
        if found != wanted:
            path = "ei:eiResponse/pyld:requestID"
            yield wrong("RULE-2B-004", message, path, wanted or "empty", found or "empty")
