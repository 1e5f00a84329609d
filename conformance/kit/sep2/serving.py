"""What a check reads out of the transcript of a server: who asked for what, what came back, what the operator did."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.reading import links_in
from conformance.kit.transcript import Mark, Message, Part, Side, Transcript
from conformance.kit.xml import Element, local_name, parse

FINE: Final = range(200, 300)
REFUSED: Final = range(400, 500)
_DIGITS: Final = frozenset("0123456789ABCDEF")
FIRST: Final = "first"
"""Name of the client that every case has."""
_RESPONSES: Final = frozenset(
    {"DERControlResponse", "Response", "DrResponse", "PriceResponse", "TextResponse"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of one of the suite's clients, with what came back."""

    client: str
    lfdi: str
    """Of the certificate that was shown."""
    request: Message
    answer: Message | None
    """None: none came."""

    @property
    def status(self) -> int:
        """Return the status of the answer; 0 without one."""
        return self.answer.status if self.answer is not None else 0

    @property
    def fine(self) -> bool:
        """Say whether the answer is one of success, whole and unharmed."""
        return isinstance(self.answer, Sep2Message) and self.answer.fine

    @property
    def path(self) -> str:
        """Return the path without its query."""
        return self.request.path.partition("?")[0]

    @property
    def query(self) -> Mapping[str, str]:
        """Return the query."""
        return self.request.query if isinstance(self.request, Sep2Message) else {}

    @property
    def name(self) -> str:
        """Return the name of the document that came back, empty for none."""
        return self.answer.name if self.answer is not None else ""


def clients(transcript: Transcript) -> dict[int, tuple[str, str]]:
    """Return for each connection of the suite its client's name and the LFDI that it showed."""
    return {
        int(mark.values["connection"]): (mark.values["client"], mark.values["lfdi"])
        for mark in transcript.all_marks("suite.client")
    }


def asked(
    transcript: Transcript,
    method: str = "",
    *,
    client: str = "",
    sent: str = "",
    got: str = "",
    after: str = "",
    before: str = "",
) -> list[Asked]:
    """Return what the suite's clients asked, oldest first.

    Args:
        transcript: Of the case.
        method: Empty: any.
        client: Name; empty: any.
        sent: Name of the document in the request; ``*``: any document; empty: whatever.
        got: Name of the document in the answer; empty: whatever.
        after: Mark from which on; without that mark: nothing.
        before: Mark up to which; without that mark: to the end.
    """
    known = clients(transcript)
    low, high = _span(transcript, after, before)
    found = []
    for exchange in transcript.exchanges(Side.SUITE):
        request = exchange.request
        name, lfdi = known.get(request.connection, ("", ""))
        one = Asked(client=name, lfdi=lfdi, request=request, answer=exchange.response)
        if (
            low < request.number < high
            and method in ("", request.method)
            and client in ("", name)
            and (not sent or request.name == sent or (sent == "*" and bool(request.body)))
            and got in ("", one.name)
        ):
            found.append(one)
    return found


def _span(transcript: Transcript, after: str, before: str) -> tuple[float, float]:
    begins, ends = transcript.mark(after), transcript.mark(before)
    low = float("inf") if after and begins is None else begins.number if begins else -1
    high = ends.number if before and ends is not None else float("inf")
    return low, high


@lru_cache(maxsize=8192)
def links_with_kinds(body: bytes) -> tuple[tuple[str, str], ...]:
    """Return what a document of the server says lies where: path and name of the resource."""
    return links_in(body)


def shown(transcript: Transcript, client: str = "", before: int | None = None) -> dict[str, str]:
    """Return every path that a client was told by the server, with the resource's name.

    Args:
        transcript: Of the case.
        client: Name; empty: any.
        before: Number of the message until which; None: to the end.
    """
    found: dict[str, str] = {}
    for one in asked(transcript, client=client):
        if before is not None and one.request.number >= before:
            break
        if one.answer is not None and one.answer.body and one.answer.payload is not None:
            found.update(links_with_kinds(one.answer.plain))
    return found


def served(
    transcript: Transcript, name: str, *, client: str = ""
) -> Iterator[tuple[Asked, Element]]:
    """Yield every element of a name that the server showed, in whatever document, with the exchange, oldest first."""
    for one in asked(transcript, client=client):
        if one.fine and one.answer is not None:
            for element in _elements(one.answer.plain, name):
                yield one, element


@lru_cache(maxsize=8192)
def _elements(body: bytes, name: str) -> tuple[Element, ...]:
    root = parse(body).root
    if root is None:
        return ()
    return tuple(one for one in root.iter(etree.Element) if local_name(one) == name and len(one))


def notified(transcript: Transcript, *, client: str = "") -> list[Message]:
    """Return the notifications that came to the suite's listeners, oldest first.

    Args:
        transcript: Of the case.
        client: To whose listener; empty: any.
    """
    where = [
        mark.values["url"].split("/", 3)[3]
        for mark in transcript.all_marks("suite.listener")
        if client in ("", mark.values["client"])
    ]
    return [
        m
        for m in transcript.messages
        if m.part is Part.REQUEST
        and m.sender is Side.DEVICE
        and any(m.path.lstrip("/").startswith(path) for path in where)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Something that the script had the operator do."""

    mark: Mark
    method: str
    values: Mapping[str, str]

    def json(self, name: str) -> Any:  # ``Any``: what JSON holds
        """Return a structured argument."""
        return json.loads(self.values[name])


def orders(transcript: Transcript, *methods: str) -> list[Order]:
    """Return what the operator was asked to do, oldest first; without methods: everything."""
    return [
        Order(mark=mark, method=mark.values["method"], values=mark.values)
        for mark in transcript.all_marks("driver.asked")
        if not methods or mark.values["method"] in methods
    ]


def own_devices(transcript: Transcript, client: str) -> set[int]:
    """Return the LFDIs, as numbers, of the EndDevices that a client may see.

    Its own, those that the operator registered with it as the manager, and those that it registered itself.
    """
    own = {lfdi for name, lfdi in clients(transcript).values() if name == client and lfdi}
    for order in orders(transcript, "register"):
        if order.values["manager"] in own:
            own.add(order.json("account")["lfdi"])
    for one in asked(transcript, "POST", client=client, sent="EndDevice"):
        if one.fine:
            own.add(one.request.text("s:lFDI"))
    return {hex_number(lfdi) for lfdi in own if lfdi}


def hex_number(text: str) -> int:
    """Return the number that a text of hex digits is; below zero for any other text."""
    return -1 if not text or set(text.upper()) - _DIGITS else int(text, 16)


def is_response(message: Message) -> bool:
    """Say whether a document is a Response of whatever kind."""
    return message.name in _RESPONSES


def texts(element: Element) -> dict[str, str]:
    """Return what an element holds, flat: names with dots between them -> text."""
    return dict(_texts(element, ""))


def _texts(element: Element, above: str) -> Iterator[tuple[str, str]]:
    for child in element.iterchildren(etree.Element):
        name = f"{above}{local_name(child)}"
        if len(child):
            yield from _texts(child, f"{name}.")
        else:
            yield name, (child.text or "").strip()


Rows = Sequence[Asked]
