"""Checks about what a server answers in a part of a script (``server_acts.part``)."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from lxml import etree

from conformance.kit.case import Observation
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.names import tag
from conformance.kit.sep2.reading import path_of, same_hex
from conformance.kit.sep2.serving import FIRST, REFUSED, Asked, asked, served, texts
from conformance.kit.transcript import Transcript
from conformance.kit.xml import Element, parse

_OK: Final = 200
_LINKED: Final = "href"
Wanted = Callable[[str], str]
"""Says what is wrong with a text, empty: nothing."""


def within(transcript: Transcript, part: str, method: str = "", **of: str) -> list[Asked]:
    """Return what was asked in a part; in the whole case for an empty name."""
    return asked(transcript, method, after=part, before=f"{part}.over" if part else "", **of)


def answered(part: str, at_least: int = 1, *, method: str = "", client: str = "") -> Observation:
    """Demand that requests of a part were answered, in whatever way."""

    def count(transcript: Transcript) -> int:
        return sum(1 for one in within(transcript, part, method, client=client) if one.answer)

    return Observation(f"{method or 'request'} answered in {part}", at_least, count)


def done_well(
    part: str, at_least: int = 1, *, method: str = "", got: str = "", sent: str = ""
) -> Observation:
    """Demand that requests of a part were answered by success."""

    def count(transcript: Transcript) -> int:
        rows = within(transcript, part, method, got=got, sent=sent)
        return sum(1 for one in rows if one.fine)

    what = got or sent or method or "request"
    return Observation(f"{what} well answered in {part}", at_least, count)


def answers(part: str, *statuses: int, requirement: str, method: str = "", sent: str = "") -> Check:
    """Demand that every request of a part is answered by one of these statuses."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        told = " or ".join(map(str, statuses))
        for one in within(transcript, part, method, sent=sent):
            if one.answer is not None and one.status not in statuses:
                yield wrong(requirement, one.answer, "status", told, str(one.status))

    return Check(f"{method or 'all'} of {part} answered by {'/'.join(map(str, statuses))}", judge)


def refuses(
    part: str,
    *,
    requirement: str,
    method: str = "",
    client: str = "",
    statuses: Collection[int] = REFUSED,
) -> Check:
    """Demand that every request of a part is refused; an empty list says as much."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in within(transcript, part, method, client=client):
            if one.answer is not None and one.status not in statuses and not _empty(one):
                yield wrong(requirement, one.answer, "status", "a refusal", str(one.status))

    return Check(f"{method or 'all'} of {part} refused", judge)


def _empty(one: Asked) -> bool:
    listed = one.answer is not None and one.answer.text("@all") == "0"
    return listed and one.status == _OK and one.request.method == "GET"


def locates(part: str, *, requirement: str, sent: str = "") -> Check:
    """Demand that every POST of a part that was taken says where that lies."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in within(transcript, part, "POST", sent=sent):
            if one.fine and one.answer is not None and not one.answer.header("Location"):
                yield wrong(requirement, one.answer, "Location", "where it lies", "none")

    return Check(f"POST of {part} tells Location", judge)


def same_place(first: str, second: str, *, requirement: str) -> Check:
    """Demand that the POSTs of a later part were answered by the Location of those of an earlier one."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        known = {_place(one) for one in within(transcript, first, "POST") if one.fine}
        for one in within(transcript, second, "POST"):
            if one.fine and one.answer is not None and _place(one) not in known:
                told = " or ".join(sorted(known)) or "a place"
                yield wrong(requirement, one.answer, "Location", told, _place(one) or "none")

    return Check(f"{second} lies where {first} does", judge)


def _place(one: Asked) -> str:
    return path_of(one.answer.header("Location")) if one.answer is not None else ""


def attribute(name: str, key: str, value: str, *, requirement: str, part: str) -> Check:
    """Demand that every document of a name that is read in a part has an attribute."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in within(transcript, part, "GET", got=name):
            found = one.answer.text(f"@{key}") if one.answer is not None else ""
            if one.fine and one.answer is not None and found != value:
                yield wrong(requirement, one.answer, f"@{key}", value, found or "none")

    return Check(f"{name} has {key}={value} in {part}", judge)


def heads(part: str, *, requirement: str) -> Check:
    """Demand that each HEAD of a part is answered as the GET of the same address after it, without a body."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        gets = {one.path: one for one in within(transcript, part, "GET") if one.fine}
        for one in within(transcript, part, "HEAD"):
            get = gets.get(one.path)
            if get is None or get.answer is None or one.answer is None:
                continue
            if one.status != get.status:
                yield wrong(requirement, one.answer, "status", str(get.status), str(one.status))
                continue
            kinds = [answer.header("Content-Type") for answer in (get.answer, one.answer)]
            if kinds[0] != kinds[1]:
                yield wrong(requirement, one.answer, "Content-Type", kinds[0], kinds[1] or "none")
            length = one.answer.header("Content-Length")
            if length and length != str(len(get.answer.body)):
                right = str(len(get.answer.body))
                yield wrong(requirement, one.answer, "Content-Length", right, length)

    return Check(f"HEAD of {part} is as GET", judge)


def patient(part: str, *, requirement: str) -> Check:
    """Demand that every request of a part is served, or answered by 429 or 503 with a Retry-After."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in within(transcript, part):
            if one.answer is None or one.fine:
                continue
            if one.status not in (429, 503):
                yield wrong(requirement, one.answer, "status", "200, 429, 503", str(one.status))
            elif not one.answer.header("Retry-After"):
                yield wrong(requirement, one.answer, "Retry-After", "when to come again", "none")

    return Check(f"{part} is served or told when", judge)


def links(
    name: str, *wanted: str, requirement: str, client: str = FIRST, own: bool = False
) -> Check:
    """Demand that every element of a name that a client is shown has these links.

    Args:
        name: E.g. ``EndDevice``.
        wanted: Names of links (``TimeLink``), those of CSIP-AUS with ``aus:``.
        requirement: That is cited.
        client: Whom it is shown to.
        own: Only where lFDI is the client's own.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one, element in served(transcript, name, client=client):
            lfdi = element.findtext(tag("lFDI")) or ""
            if one.answer is None or (own and not same_hex(lfdi, one.lfdi)):
                continue
            for link in wanted:
                found = element.find(tag(link))
                if found is None or not found.get(_LINKED):
                    yield wrong(requirement, one.answer, f"s:{link}", "a link", "none")

    return Check(f"{name} links {', '.join(wanted)}", judge)


def serves(
    name: str,
    values: Mapping[str, str],
    *,
    requirement: str,
    part: str,
    where: Mapping[str, str] | None = None,
) -> Check:
    """Demand that every element of a name that is shown in a part holds these texts.

    Args:
        name: Of the element, e.g. ``DERProgram``; wherever it stands.
        values: Path of names with dots (``DERControlBase.opModMaxLimW``) -> text; hex texts are compared as numbers
            where they differ; ``""``: the element must not be there.
        requirement: That is cited.
        part: Of the script.
        where: Only elements that hold these.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in within(transcript, part):
            for element in elements(one, name):
                found = texts(element)
                if any(found.get(path, "") != text for path, text in (where or {}).items()):
                    continue
                for path, text in values.items():
                    seen = found.get(path, "")
                    if one.answer is not None and seen != text:
                        yield wrong(requirement, one.answer, path, text or "none", seen or "none")

    told = ", ".join(f"{path}={text}" for path, text in values.items())
    return Check(f"{name} shows {told} in {part}", judge)


def elements(one: Asked, name: str) -> list[Element]:
    """Return the elements of a name in an answer of success, wherever they stand."""
    if one.answer is None or not one.fine:
        return []
    return one.answer.elements(f"descendant-or-self::*[local-name()='{name}' and *]")


def listed(
    name: str, count: int, *, requirement: str, part: str, client: str = "", **where: str
) -> Check:
    """Demand that a part's last reading of each list shows so many members of a name that hold these texts."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = [
            one
            for one in within(transcript, part, "GET", client=client)
            if one.fine and one.answer is not None and one.answer.name == f"{name}List"
        ]
        for last in {one.path: one for one in rows}.values():
            members = [texts(member) for member in elements(last, name)]
            seen = sum(1 for m in members if all(m.get(k, "") == v for k, v in where.items()))
            if last.answer is not None and seen != count:
                yield wrong(requirement, last.answer, f"s:{name}", str(count), str(seen))

    return Check(f"{count} of {name} in {part} {sorted(where.items()) or ''}".rstrip(), judge)


def keeps(name: str, *, requirement: str, part: str, besides: Collection[str] = ()) -> Check:
    """Demand that a document which is read after it was taken, in a part, holds everything that was put into it.

    Args:
        name: Of the document.
        requirement: That is cited.
        part: Of the script; empty: the whole case.
        besides: Paths that the server may change.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        told: dict[str, dict[str, str]] = {}
        for one in within(transcript, part):
            put = one.request.method == "PUT" and one.request.name == name
            if put and one.fine:
                told[one.path] = _sent(one)
            elif one.request.method == "GET" and one.path in told and one.answer is not None:
                yield from _compared(one, name, told[one.path], requirement, besides)

    return Check(f"{name} of {part} is kept", judge)


def _sent(one: Asked) -> dict[str, str]:
    root = parse(one.request.body).root
    return {} if root is None else texts(root)


def _compared(
    one: Asked, name: str, told: Mapping[str, str], requirement: str, besides: Collection[str]
) -> Iterator[Finding]:
    answer = one.answer
    if answer is None:
        return
    if answer.name != name or not one.fine:
        yield wrong(requirement, answer, "", name, answer.name or str(one.status))
        return
    found = texts(answer.elements("self::*")[0])
    for path, text in told.items():
        if path not in besides and not _same(found.get(path, ""), text):
            yield wrong(requirement, answer, path, text, found.get(path, "") or "none")


def _same(one: str, other: str) -> bool:
    """Compare two texts; leading zeros of hex and numbers do not matter."""
    return one == other or (
        bool(one and other) and one.lstrip("0").upper() == other.lstrip("0").upper()
    )


def unchanged(before: str, after: str, *, requirement: str, besides: Collection[str] = ()) -> Check:
    """Demand that what the first client reads in a part is what it has read at the same address in an earlier one.

    Args:
        before: The earlier part.
        after: The later one.
        requirement: That is cited.
        besides: Names of elements that may differ.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        known = {
            one.request.path: one
            for one in within(transcript, before, "GET", client=FIRST)
            if one.fine
        }
        for one in within(transcript, after, "GET", client=FIRST):
            earlier = known.get(one.request.path)
            if earlier is None or one.answer is None or earlier.answer is None:
                continue
            if not one.fine:
                yield wrong(requirement, one.answer, "status", "as before", str(one.status))
            elif _bare(one, besides) != _bare(earlier, besides):
                yield wrong(requirement, one.answer, "", "what was there before", "something else")

    return Check(f"{after} is as {before}", judge)


def _bare(one: Asked, besides: Collection[str]) -> bytes:
    root = parse(one.answer.plain if one.answer is not None else b"").root
    if root is None:
        return b""
    for name in besides:
        for element in list(root.iter(tag(name))):
            element.clear()
    return bytes(etree.tostring(root, method="c14n"))
