"""What a server under test showed to the suite's clients: resources by their description, lists looked at whole.

A script's id is a resource's ``description``; the server makes mRIDs and addresses, so everything is found by links.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from lxml import etree

from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.names import NAMES, XSI, tag
from conformance.kit.sep2.reading import path_of
from conformance.kit.transcript import Exchange, Message, Part, Side, Transcript
from conformance.kit.xml import Element, local_name

_TYPE: Final = f"{{{XSI}}}type"
_YES: Final = ("true", "1")
_NO: Final = ("false", "0")
_OK: Final = 200


def text_of(element: Element, path: str) -> str:
    """Return what an element says below a path, empty without it."""
    return (element.findtext(path, namespaces=NAMES) or "").strip()


def number_of(element: Element, path: str) -> int | None:
    """Return a whole number below a path."""
    text = text_of(element, path)
    return int(text) if text.lstrip("-").isdigit() else None


def instant_of(element: Element, path: str) -> datetime | None:
    """Return an instant below a path."""
    found = number_of(element, path)
    try:
        return None if found is None else datetime.fromtimestamp(found, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def answers(transcript: Transcript) -> Iterator[Exchange]:
    """Yield the GETs of the suite's clients that were answered by a whole document."""
    for exchange in transcript.exchanges(Side.SUITE):
        found = exchange.response
        if (
            exchange.request.method == "GET"
            and isinstance(found, Sep2Message)
            and found.fine
            and found.name
        ):
            yield exchange


def told(transcript: Transcript) -> Iterator[Message]:
    """Yield every whole document that the server showed: what was asked for, and notifications."""
    for message in transcript.messages:
        if message.sender is not Side.DEVICE or not isinstance(message, Sep2Message):
            continue
        notice = message.part is Part.REQUEST and message.name == "Notification"
        if (notice and not message.broken) or (message.fine and message.name):
            yield message


def rows_in(message: Message, name: str) -> list[Element]:
    """Return the resources of a name in a document: itself, its members, or those that a notification brings."""
    found = message.elements(f"self::s:{name} | s:{name} | s:Resource/s:{name}")
    for one in message.elements("s:Resource"):
        if one.get(_TYPE, "").rpartition(":")[2] == name:
            found.append(one)
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """One appearance of a resource."""

    message: Message
    element: Element

    @property
    def status(self) -> int | None:
        """Return currentStatus of an event."""
        return number_of(self.element, "s:EventStatus/s:currentStatus")

    @property
    def mrid(self) -> str:
        """Return its mRID, upper case."""
        return text_of(self.element, "s:mRID").upper()

    @property
    def version(self) -> int:
        """Return its version, 0 without one."""
        return number_of(self.element, "s:version") or 0


def appearances(transcript: Transcript, name: str, description: str) -> list[Shown]:
    """Return every appearance of a resource, by what the script calls it, in the order of the history."""
    return [
        Shown(message, one)
        for message in told(transcript)
        for one in rows_in(message, name)
        if text_of(one, "s:description") == description
    ]


def mrid_shown(transcript: Transcript, control: str) -> str:
    """Return the mRID that the server gave to a control, empty if it was never shown."""
    return next((one.mrid for one in appearances(transcript, "DERControl", control)), "")


def places(transcript: Transcript, what: str, of: str = "") -> frozenset[str]:
    """Return the paths at which a resource lay, by the links that the server showed.

    Args:
        transcript: Of the case.
        what: ``DERControlList``, ``DefaultDERControl``, ``DERProgramList``, ``FunctionSetAssignmentsList``,
            ``EndDeviceList``, … or ``DERProgram``, ``EndDevice`` and the like themselves.
        of: Description of what links there, LFDI of its EndDevice; empty: of any.
    """
    found: set[str] = set()
    for message in told(transcript):
        for row in _named(message, of):
            if local_name(row) == what and row.get("href"):
                found.add(path_of(row.get("href", "")))
            links = row.findall(f"{{*}}{what}Link")
            found.update(path_of(link.get("href", "")) for link in links)
    return frozenset(found - {""})


def _named(message: Message, of: str) -> Iterator[Element]:
    for row in message.elements("descendant-or-self::*[@href]"):
        names = (text_of(row, "s:description"), text_of(row, "s:lFDI"))
        if not of or of in names or of.upper() in names:
            yield row


# --- lists


@dataclass(slots=True)
class Look:
    """A list, read from its beginning to its end."""

    asked: Message
    """The first request."""
    last: Message
    """The last answer."""
    rows: list[Element] = field(default_factory=list)
    whole: bool = False
    """Every member was seen."""

    def row(self, description: str) -> Element | None:
        """Return a member by its description."""
        return next((r for r in self.rows if text_of(r, "s:description") == description), None)


def looks(transcript: Transcript, what: str, of: str = "") -> list[Look]:
    """Return the whole looks at a list; pages that follow each other are one look."""
    where, found = places(transcript, what, of), list[Look]()
    open_: dict[tuple[int, str], Look] = {}
    for exchange in answers(transcript):
        asked, answer = exchange.request, exchange.response
        if answer is None or answer.name != what or path_of(asked.path) not in where:
            continue
        if not isinstance(asked, Sep2Message):
            continue
        key = asked.connection, path_of(asked.path)
        begins = int(asked.query.get("s", "0") or 0) == 0
        look = Look(asked, answer) if begins else open_.get(key)
        if look is None or (not begins and look.whole):
            continue
        open_[key] = look
        look.last = answer
        look.rows += answer.elements("self::*[@all]/*")
        look.whole = str(len(look.rows)) == answer.text("@all") and "a" not in asked.query
        if look.whole:
            found.append(look)
    return found


# --- values


def differences(wanted: Mapping[str, object], element: Element | None) -> Iterator[tuple[str, str]]:
    """Yield in what an element's content differs from what a script gave: path and what is there.

    ActivePower and the like are compared by value, whatever the multiplier; links by being there.
    """
    if element is None:
        yield "", "none"
        return
    given = {tag(name): value for name, value in wanted.items() if value is not None}
    for name, value in given.items():
        found = element.findall(name)
        local = name.rpartition("}")[2]
        if len(found) != 1:
            yield local, "none" if not found else f"{len(found)} of them"
        elif not _same(value, found[0]):
            yield local, shown_value(found[0])
    for child in element.iterchildren(etree.Element):
        if str(child.tag) not in given:
            yield local_name(child), shown_value(child)


def _same(value: object, element: Element) -> bool:
    text = (element.text or "").strip()
    if isinstance(value, bool):
        return text in (_YES if value else _NO)
    if element.get("href") is not None:
        return True
    if isinstance(value, Mapping):
        wanted, found = _scaled(value), scaled(element)
        if wanted is not None:
            return wanted == found
        return not list(differences(value, element))
    return text == str(value)


def _scaled(value: Mapping[str, object]) -> Decimal | None:
    if set(value) != {"multiplier", "value"}:
        return None
    return Decimal(str(value["value"])).scaleb(int(str(value["multiplier"])))


def scaled(element: Element) -> Decimal | None:
    """Return a scaled quantity, None if it is none."""
    try:
        return Decimal(text_of(element, "s:value")).scaleb(int(text_of(element, "s:multiplier")))
    except (InvalidOperation, ValueError):
        return None


def shown_value(element: Element) -> str:
    """Return what an element says, for people."""
    if not len(element):
        return element.get("href") or (element.text or "").strip() or "empty"
    return " ".join(f"{local_name(one)}={(one.text or '').strip()}" for one in element)
