"""What a check reads out of a 2030.5 transcript: which resource a path is, what was served, what was responded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlsplit

from lxml import etree

from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.names import NAMES, XSI
from conformance.kit.transcript import Exchange, Mark, Message, Part, Side, Transcript
from conformance.kit.xml import Element, local_name, parse

_TYPE = f"{{{XSI}}}type"
RESPONSES = ("DERControlResponse", "Response", "DrResponse", "PriceResponse", "TextResponse")


@lru_cache(maxsize=8192)
def links_in(body: bytes) -> tuple[tuple[str, str], ...]:
    """Return what a document of the suite says lies where: path and name of the resource."""
    root = parse(body).root
    return () if root is None else tuple(_links(root))


def _links(root: Element) -> Iterator[tuple[str, str]]:
    for element in root.iter(etree.Element):
        name = element.get(_TYPE, "").rpartition(":")[2] or local_name(element)
        if name == "newResourceURI" and element.text:
            yield path_of(element.text.strip()), "moved"
        for key in ("href", "replyTo"):
            where = element.get(key)
            if where:
                known = "ResponseList" if key == "replyTo" else name.removesuffix("Link")
                yield path_of(where), known


def path_of(href: str) -> str:
    """Return the path of a link, without host and query."""
    return urlsplit(href).path


def entry(transcript: Transcript) -> str:
    """Return the path of DeviceCapability, which the client was told."""
    found = transcript.mark("suite.entry")
    return found.values["path"] if found else ""


def own_lfdi(transcript: Transcript) -> str:
    """Return the LFDI of the client's certificate."""
    found = transcript.mark("suite.entry")
    return found.values["lfdi"] if found else ""


def known_paths(transcript: Transcript, before: int | None = None) -> Mapping[str, str]:
    """Return every path that the client has been told until a place in the history, with the resource's name."""
    found = {entry(transcript): "DeviceCapability"}
    for message in transcript.messages:
        if before is not None and message.number >= before:
            break
        if message.sender is Side.SUITE:
            for path, name in links_in(message.body) if message.body else ():
                if name != "moved" or path not in found:
                    found[path] = name
            where = message.header("Location")
            if where:
                found.setdefault(path_of(where), "created")
    return found


def requests(transcript: Transcript, method: str, *names: str) -> list[Message]:
    """Return the client's requests of a method for resources of these names, oldest first."""
    known = known_paths(transcript)
    return [
        m
        for m in transcript.messages
        if m.part is Part.REQUEST
        and m.sender is Side.DEVICE
        and m.method == method
        and known.get(m.path.partition("?")[0]) in names
    ]


def reads(transcript: Transcript, *names: str) -> list[Message]:
    """Return the GETs of resources of these names that were answered well."""
    return [m for m in requests(transcript, "GET", *names) if went_well(transcript, m)]


def went_well(transcript: Transcript, request: Message) -> bool:
    """Say whether a request was answered by success, whole and unharmed."""
    found = transcript.answer(request)
    return isinstance(found, Sep2Message) and found.fine


def carried(transcript: Transcript, after: datetime | None, until: datetime | None) -> bool:
    """Say whether any exchange succeeded in a span: the device lived and the line carried.

    Not every success is a 200 here: what is put is answered by 204, what is posted by 201.

    Args:
        transcript: Of the case.
        after: Begin of the span; None: nothing is known of it, so nothing is shown.
        until: Its end.
    """
    if after is None or until is None:
        return False
    return any(
        _fine(found) and found.response is not None and after <= found.response.at <= until
        for found in transcript.exchanges()
    )


def managed(transcript: Transcript) -> list[str]:
    """Return the LFDIs of the EndDevices that are listed beside the client's own, in the order of the list."""
    own, found = own_lfdi(transcript), []
    for message in transcript.messages:
        if message.sender is Side.SUITE and message.name == "EndDeviceList":
            found += message.all("s:EndDevice/s:lFDI")
    return [lfdi for lfdi in dict.fromkeys(found) if not same_hex(lfdi, own)]


def named(transcript: Transcript, lfdi: str) -> str:
    """Return an LFDI; ``#0``, ``#1`` … stand for those that an aggregator manages."""
    if not lfdi.startswith("#"):
        return lfdi
    rows, place = managed(transcript), int(lfdi[1:])
    return rows[place] if place < len(rows) else lfdi


def mrid_of(transcript: Transcript, control: str) -> str:
    """Return the mRID under which a control of the script was published, empty if it was not."""
    for mark in transcript.all_marks("suite.publish"):
        if mark.values["control"] == control:
            return mark.values["mrid"]
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responded:
    """One Response of the client."""

    message: Message
    mrid: str
    lfdi: str
    status: int
    at: datetime
    """createdDateTime, as it was sent."""
    accepted: bool
    """The suite answered it by success."""


def responses(transcript: Transcript, control: str = "", lfdi: str = "") -> list[Responded]:
    """Return the client's Responses, oldest first.

    Args:
        transcript: Of the case.
        control: Id of the control; empty: to any.
        lfdi: Of the EndDevice; empty: of any; ``#0``, ``#1`` …: of those that an aggregator manages.
    """
    wanted = mrid_of(transcript, control) if control else ""
    lfdi = named(transcript, lfdi)
    found = []
    for message in transcript.messages:
        if message.part is Part.REQUEST and message.name in RESPONSES:
            one = _responded(transcript, message)
            if (not control or same_hex(one.mrid, wanted)) and (
                not lfdi or same_hex(one.lfdi, lfdi)
            ):
                found.append(one)
    return found


def _responded(transcript: Transcript, message: Message) -> Responded:
    status, at = message.text("s:status"), message.text("s:createdDateTime")
    return Responded(
        message=message,
        mrid=message.text("s:subject"),
        lfdi=message.text("s:endDeviceLFDI"),
        status=int(status) if status.isdigit() else 0,
        at=datetime.fromtimestamp(int(at) if at.lstrip("-").isdigit() else 0, UTC),
        accepted=went_well(transcript, message),
    )


def same_hex(one: str, other: str) -> bool:
    """Compare two hex texts as integers: leading zero bytes may be dropped."""
    try:
        return int(one, 16) == int(other, 16)
    except ValueError:
        return False


def served(transcript: Transcript, control: str) -> list[tuple[Message, Element]]:
    """Return every document of the suite that reached the client with a control in it, and the control's element."""
    wanted = mrid_of(transcript, control)
    found = []
    for message in transcript.messages:
        if message.sender is Side.SUITE and _brings_controls(transcript, message):
            rows = message.elements("descendant-or-self::s:DERControl")
            found += [
                (message, r) for r in rows if r.findtext("s:mRID", namespaces=NAMES) == wanted
            ]
    return found


def _brings_controls(transcript: Transcript, message: Message) -> bool:
    """Say whether a message of the suite is a document with controls, answered or notified, that arrived."""
    if message.part is Part.REQUEST:
        return message.name == "Notification" and went_well(transcript, message)
    whole = isinstance(message, Sep2Message) and message.fine
    return whole and message.name in ("DERControlList", "DERControl")


def puts(transcript: Transcript, name: str) -> list[Message]:
    """Return the documents of a name that the client put and the suite took."""
    return [
        e.request
        for e in transcript.exchanges(Side.DEVICE)
        if e.request.method == "PUT" and e.request.name == name and _fine(e)
    ]


def posts(transcript: Transcript, *names: str) -> list[Message]:
    """Return the documents of these names that the client posted and the suite took."""
    return [
        e.request
        for e in transcript.exchanges(Side.DEVICE)
        if e.request.method == "POST" and e.request.name in names and _fine(e)
    ]


def _fine(exchange: Exchange) -> bool:
    return isinstance(exchange.response, Sep2Message) and exchange.response.fine


def mark_at(transcript: Transcript, name: str) -> Mark:
    """Return a mark that the script has set; one at the beginning of time without it."""
    found = transcript.mark(name)
    return found or Mark(number=0, name=name, at=datetime.fromtimestamp(0, UTC), elapsed_s=0.0)
