"""Where things stand in a document: paths for errors, findings and leftovers, worked out in one walk.

Paths are those of ``xml.leaves``: local names from the root, numbered from 1 where siblings share a name. Names
are cut, and what may be told is limited, since a peer could make both long.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from lxml import etree

from gateway.domain.errors import WireError
from gateway.protocols.sep2.reading import MOST_TOLD, SCHEMA_VERSION, SWITCH, PartError, Turn
from gateway.protocols.sep2.tables import SEP
from gateway.protocols.xml import MAX_NAME, Element, Leaf, local_name

_STRAY: Final = etree.XPath("boolean(//*[*]/text()[normalize-space()])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a strict reader would have refused."""

    path: str
    word: str
    """``ORDER``, ``WRONG_NAMESPACE``, ``TYPE``, ``HEX`` or ``TOO_LONG``."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A member of a list that cannot be read, with what its peer may have to be answered."""

    path: str
    kind: str
    """Its element, e.g. ``DERControl``."""
    reason: str
    """Of the ``WireError`` that it would have been."""
    detail: str
    mrid: str | None
    """As on the wire, unchecked; so are the others."""
    href: str | None
    reply_to: str | None
    response_required: str | None
    category: str | None
    """deviceCategory."""


@dataclass(slots=True)
class Told:
    """Everything noticed, with paths."""

    leftovers: tuple[Leaf, ...] = ()
    findings: tuple[Finding, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(slots=True)
class _Walk:
    """What is looked for on the way, by element."""

    whole: set[Element] = field(default_factory=set)
    attributes: dict[Element, list[str]] = field(default_factory=dict)
    findings: dict[Element, list[tuple[str, str]]] = field(default_factory=dict)
    aside: dict[Element, PartError] = field(default_factory=dict)


def sentence(root: Element, error: PartError) -> str:
    """Tell an error with the path of its place."""
    return f"{_path(root, local_name(root)[:MAX_NAME], error)}: {error.told}"


def resolve(root: Element, turn: Turn) -> Told:
    """Find the places of everything that a turn noticed.

    Raises:
        WireError: ``TOO_MANY_ELEMENTS`` when there is more than ``MOST_TOLD`` to tell.
    """
    if not (turn.unknown or turn.findings or turn.aside or _STRAY(root)):
        return Told()
    walk = _Walk(aside=dict(turn.aside))
    switches = set(turn.switches)
    for element, name in turn.unknown:
        if not name:
            walk.whole.add(element)
        elif not (name == SWITCH and element in switches) and not (
            name == SCHEMA_VERSION and element is root
        ):
            walk.attributes.setdefault(element, []).append(name)
    for element, word, told in turn.findings:
        walk.findings.setdefault(element, []).append((word, told))
    return _walked(root, walk)


def _walked(root: Element, walk: _Walk) -> Told:
    leftovers: list[Leaf] = []
    findings: list[Finding] = []
    unreadable: list[Unreadable] = []
    waiting = [(local_name(root)[:MAX_NAME], root)]
    while waiting:
        path, element = waiting.pop()
        for word, told in walk.findings.get(element, ()):
            findings.append(Finding(path=path, word=word, detail=f"{path} {told}"))
        error = walk.aside.get(element)
        if error is not None:
            unreadable.append(_unreadable(path, element, error))
        elif element in walk.whole:
            leftovers.extend(islice(_leaves(path, element), MOST_TOLD + 1))
        else:
            leftovers.extend(_attribute(path, element, n) for n in walk.attributes.get(element, ()))
            leftovers.extend(_stray(path, element))
            waiting.extend(reversed(_steps(path, element)))
        if max(len(leftovers), len(findings)) > MOST_TOLD:
            raise WireError(
                "TOO_MANY_ELEMENTS", f"a document may have {MOST_TOLD} parts that cannot be used"
            )
    return Told(tuple(leftovers), tuple(findings), tuple(unreadable))


def _leaves(path: str, top: Element) -> Iterator[Leaf]:
    """Yield every value of an element that nobody knows."""
    waiting = [(path, top)]
    while waiting:
        path, element = waiting.pop()
        for name in element.keys():  # noqa: SIM118 - an element is no mapping
            yield _attribute(path, element, str(name))
        if not len(element):
            yield Leaf(path=path, value=element.text or "")
            continue
        yield from _stray(path, element)
        waiting.extend(reversed(_steps(path, element)))


def _attribute(path: str, element: Element, name: str) -> Leaf:
    bare = name.rpartition("}")[2][:MAX_NAME]
    return Leaf(path=f"{path}/@{bare}", value=element.get(name, ""))


def _stray(path: str, element: Element) -> Iterator[Leaf]:
    """Yield text that stands beside elements."""
    if len(element):
        told = "".join([element.text or "", *(child.tail or "" for child in element)])
        if told.strip():
            yield Leaf(path=f"{path}/text()", value=told)


def _steps(path: str, element: Element) -> list[tuple[str, Element]]:
    children = list(element)
    names = [local_name(child)[:MAX_NAME] for child in children]
    totals = Counter(names)
    seen: Counter[str] = Counter()
    steps: list[tuple[str, Element]] = []
    for name, child in zip(names, children, strict=True):
        seen[name] += 1
        index = f"[{seen[name]}]" if totals[name] > 1 else ""
        steps.append((f"{path}/{name}{index}", child))
    return steps


def _path(top: Element, path: str, error: PartError) -> str:
    """Return the path of an error below an element whose path is known."""
    steps: list[str] = [error.name] if error.name else []
    element: Element | None = error.element
    while element is not None and element is not top:
        parent = element.getparent()
        name = local_name(element)[:MAX_NAME]
        same = [c for c in parent if local_name(c)[:MAX_NAME] == name] if parent is not None else []
        steps.append(f"{name}[{same.index(element) + 1}]" if len(same) > 1 else name)
        element = parent
    return "/".join([path, *reversed(steps)])


def _unreadable(path: str, element: Element, error: PartError) -> Unreadable:
    return Unreadable(
        path=path,
        kind=local_name(element),
        reason=error.reason,
        detail=f"{_path(element, path, error)}: {error.told}",
        mrid=_short(element.findtext(f"{{{SEP}}}mRID")),
        href=_short(element.get("href")),
        reply_to=_short(element.get("replyTo")),
        response_required=_short(element.get("responseRequired")),
        category=_short(element.findtext(f"{{{SEP}}}deviceCategory")),
    )


def _short(text: str | None) -> str | None:
    return None if text is None else text.strip()[:2048]
