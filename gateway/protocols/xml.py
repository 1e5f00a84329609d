"""The only XML parser: bounded before, during and after parsing; no DTD, no entities, no network, UTF-8 only.

Bytes are judged first (size, encoding, amount of markup), so that no document of the permitted size keeps the parser
busy for long; then the tree (depth, attributes of one element). Comments and processing instructions never reach the
tree: ``12<!--x-->3`` reads as 123, which is also what a signature over the canonical form covers.
"""

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from gateway.domain.errors import WireError

__all__ = [
    "MAX_BYTES",
    "OFF_LOOP_BYTES",
    "Element",
    "Leaf",
    "leaves",
    "local_name",
    "parse",
    "schema_fault",
]

MAX_BYTES: Final = 8 * 1024 * 1024
"""Largest document taken at all; callers pass less where a message is small by nature."""
OFF_LOOP_BYTES: Final = 256 * 1024
"""A larger body is decoded in a worker thread. Measured, parsing, validation and reading together: the worst document
known of this size 45 ms; at 8 MiB 130 ms for a valid one and 1 s for the worst, during most of which the interpreter
lock is free."""
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 100_000
MAX_ATTRIBUTES: Final = 50_000
"""In a whole document, namespace declarations included."""
MAX_ATTRIBUTES_EACH: Final = 64
MAX_TEXT: Final = OFF_LOOP_BYTES
"""In one leaf or attribute, in characters: a schema's patterns cost a hundred times what parsing does."""
MAX_NAME: Final = 64
"""Of a name in the path of a leaf, in characters: a long one would be repeated in the path of everything below it."""
MAX_REFERENCES: Final = 500_000
"""``&amp;`` and its kin: each costs the parser ten times what a plain character does."""

_FEW: Final = 64
"""So many of one byte are looked for one by one: faster than counting where they are few or come soon."""
_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN_BOM: Final = (b"\xfe\xff", b"\xff\xfe", b"+/v", b"\x4c\x6f\xa7\x94")
"""UTF-16 and UTF-32, UTF-7, and the first letters of an XML declaration in EBCDIC."""
_DECLARED: Final = re.compile(
    rb"<\?xml\s[^>]{0,512}?\bencoding\s{0,64}=\s{0,64}[\"']([^\"'>]{0,64})"
)
_TOO_DEEP: Final = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")
_CROWDED: Final = etree.XPath(f"boolean(//*[count(@*) > {MAX_ATTRIBUTES_EACH}])")
_WORDY: Final = etree.XPath(
    f"boolean(//*[not(*)][string-length() > {MAX_TEXT}] | //@*[string-length() > {MAX_TEXT}])"
)
_BAD_BYTES: Final = frozenset(
    {
        etree.ErrorTypes.ERR_INVALID_CHAR,
        etree.ErrorTypes.ERR_INVALID_ENCODING,
        etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
        etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
    }
)


def parse(body: bytes, *, largest: int = MAX_BYTES) -> Element:
    """Read one document.

    Args:
        body: The document as received.
        largest: Most bytes allowed; never more than ``MAX_BYTES``.

    Returns:
        The root element, free of comments, processing instructions and entity nodes.

    Raises:
        WireError: ``TOO_LARGE``, ``ENCODING``, ``DOCTYPE``, ``TOO_MANY_ELEMENTS``, ``TOO_MANY_ATTRIBUTES``,
            ``TOO_MANY_REFERENCES``, ``TOO_DEEP``, ``INVALID_TEXT`` (one text above ``MAX_TEXT``) or ``NOT_XML``.
    """
    _judge_bytes(body, min(largest, MAX_BYTES))
    try:
        root = etree.fromstring(body, _parser())  # noqa: TID251 - this is the bounded parser itself
    except etree.XMLSyntaxError as error:
        raise _syntax_fault(error) from None
    _judge_tree(root, body)
    return root


def _parser(schema: etree.XMLSchema | None = None) -> etree.XMLParser:
    # A parser of its own for each document: a shared one would make the event loop wait for a worker thread.
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
        schema=schema,
    )


def _judge_bytes(body: bytes, largest: int) -> None:
    if len(body) > largest:
        raise WireError("TOO_LARGE", f"a document may have {largest} bytes here")
    if body.startswith(_FOREIGN_BOM) or b"\0" in body:
        raise WireError("ENCODING", "a document must be encoded in UTF-8")
    start = body[len(_BOM) :] if body.startswith(_BOM) else body
    declared = _DECLARED.match(start)
    if declared and declared.group(1).upper() != b"UTF-8":
        raise WireError("ENCODING", "a document must declare UTF-8 or nothing")
    # The same nine bytes inside a CDATA section are refused too: nobody writes them there in earnest.
    if b"!" in body and b"<!DOCTYPE" in body:
        raise WireError("DOCTYPE", "a document must not have a DOCTYPE")
    # A document that is too short for so many of them is not counted: "<a/>", " a=''", "&x;".
    if len(body) > 4 * MAX_ELEMENTS and _too_many_elements(body):
        raise WireError("TOO_MANY_ELEMENTS", f"a document may have {MAX_ELEMENTS} elements")
    if len(body) > 5 * MAX_ATTRIBUTES and _more_than(MAX_ATTRIBUTES, b"=", body):
        raise WireError("TOO_MANY_ATTRIBUTES", f"a document may have {MAX_ATTRIBUTES} attributes")
    if len(body) > 3 * MAX_REFERENCES and _more_than(MAX_REFERENCES, b"&", body):
        raise WireError("TOO_MANY_REFERENCES", f"a document may have {MAX_REFERENCES} references")


def _too_many_elements(body: bytes) -> bool:
    """Say whether there may be more elements than allowed.

    Each has one slash, in its end tag or before its only ``>``; one that is never closed stays open, and the parser
    gives up at a few hundred of those.
    """
    if body.count(b"/") <= MAX_ELEMENTS:  # one byte is counted three times as fast as two
        return False
    return body.count(b"<") - body.count(b"</") > MAX_ELEMENTS


def _more_than(most: int, mark: bytes, body: bytes) -> bool:
    """Say whether a byte stands more often in a document; looks no further than it must, which is far if it is rare."""
    at = -1
    for _ in range(min(most, _FEW) + 1):
        at = body.find(mark, at + 1)
        if at < 0:
            return False
    return most <= _FEW or body.count(mark) > most


def _judge_tree(root: Element, body: bytes) -> None:
    info = root.getroottree().docinfo
    if info.doctype:  # type: ignore[attr-defined] # the stubs lack what every lxml DocInfo has
        raise WireError("DOCTYPE", "a document must not have a DOCTYPE")
    if (info.encoding or "UTF-8").upper() != "UTF-8":
        raise WireError("ENCODING", "a document must be encoded in UTF-8")
    # Most messages have fewer tags than that, and looking costs as much as parsing them.
    if _more_than(MAX_DEPTH, b"<", body) and _TOO_DEEP(root):
        raise WireError("TOO_DEEP", f"elements may nest {MAX_DEPTH} deep")
    # Counting attributes costs more than parsing, and most messages have fewer equals signs than the limit.
    if _more_than(MAX_ATTRIBUTES_EACH, b"=", body) and _CROWDED(root):
        raise WireError(
            "TOO_MANY_ATTRIBUTES", f"an element may have {MAX_ATTRIBUTES_EACH} attributes"
        )
    if _may_be_wordy(body) and _WORDY(root):
        raise WireError("INVALID_TEXT", f"a text may have {MAX_TEXT} characters")


def _may_be_wordy(body: bytes) -> bool:
    """Say whether one text or attribute may be too long; looking at every text costs as much as parsing.

    Without CDATA, comments and instructions a ``<`` ends any text, so a long one covers a whole block without any.
    """
    if len(body) <= MAX_TEXT:
        return False
    # One byte is found many times as fast as two; a declaration has two question marks.
    if b"!" in body or _more_than(2, b"?", body):
        return True
    half = MAX_TEXT // 2
    return any(body.find(b"<", at, at + half) < 0 for at in range(0, len(body) - half + 1, half))


def _syntax_fault(error: etree.XMLSyntaxError) -> WireError:
    if error.code in _BAD_BYTES:  # type: ignore[attr-defined] # the stubs lack what every lxml error has
        return WireError("ENCODING", "a document must hold nothing but XML characters in UTF-8")
    message = str(error.msg)
    if "depth" in message:
        return WireError("TOO_DEEP", f"elements may nest {MAX_DEPTH} deep")
    return WireError("NOT_XML", f"the document cannot be parsed: {_short(message)}")


def _short(message: str) -> str:
    """Cut a parser's message: it may quote the peer's text at any length."""
    line = " ".join(re.sub(r"\{[^}]{0,200}\}", "", message[:2000]).split())
    return line if len(line) <= 200 else line[:199] + "…"


def schema_fault(body: bytes, schema: etree.XMLSchema) -> str:
    """Say in one sentence why a parsable document does not follow a schema.

    The document is read again with a validator of its own, because the error log of a compiled schema is shared
    between threads and could name another peer's document.
    """
    try:
        etree.fromstring(body, _parser(schema))  # noqa: TID251 - this is the bounded parser itself
    except etree.XMLSyntaxError as error:
        return _short(str(error.msg))
    return "the document does not follow the schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value of a document and where it stands."""

    path: str
    """Local names from the root, cut to ``MAX_NAME``, e.g. ``oadrPayload/…/oadrEvent[2]/eiEvent/…``; 1-based index
    where siblings share a local name; ``@name`` for an attribute, ``text()`` for text beside child elements."""
    value: str


def leaves(body: bytes, *, largest: int = MAX_BYTES) -> tuple[Leaf, ...]:
    """List every value of a document in document order: text of childless elements, attributes, stray text.

    Raises:
        WireError: As ``parse`` does.
    """
    root = parse(body, largest=largest)
    found: list[Leaf] = []
    waiting = [(local_name(root)[:MAX_NAME], root)]
    while waiting:
        path, element = waiting.pop()
        found.extend(
            Leaf(path=f"{path}/@{_bare(str(name))[:MAX_NAME]}", value=str(value))
            for name, value in element.attrib.items()
        )
        children = list(element)
        if not children:
            found.append(Leaf(path=path, value=element.text or ""))
            continue
        stray = "".join([element.text or "", *(child.tail or "" for child in children)])
        if stray.strip():
            found.append(Leaf(path=f"{path}/text()", value=stray))
        waiting.extend(reversed(_steps(path, children)))
    return tuple(found)


def _steps(path: str, children: list[Element]) -> list[tuple[str, Element]]:
    names = [local_name(child)[:MAX_NAME] for child in children]
    totals: dict[str, int] = {}
    for name in names:
        totals[name] = totals.get(name, 0) + 1
    seen: dict[str, int] = {}
    steps: list[tuple[str, Element]] = []
    for name, child in zip(names, children, strict=True):
        seen[name] = seen.get(name, 0) + 1
        index = f"[{seen[name]}]" if totals[name] > 1 else ""
        steps.append((f"{path}/{name}{index}", child))
    return steps


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return _bare(str(element.tag))


def _bare(name: str) -> str:
    return name.rpartition("}")[2]
