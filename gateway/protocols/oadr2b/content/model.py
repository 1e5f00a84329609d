"""The forms a content model is made of; each reads one kind of element and writes it back.

A table of ``Part`` in the order of the schema drives both directions. Reading walks children directly (no XPath) on
schema-valid elements and skips what it does not know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from lxml import etree

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.oadr2b.lexical import Lexical
from gateway.protocols.oadr2b.messages.target import RawXml
from gateway.protocols.oadr2b.names import prefix_of, qualified
from gateway.protocols.xml import Element, local_name, parse

T = TypeVar("T")


class Content(Protocol):
    """One kind of element.

    ``Any``: a table pairs contents of many value types with fields; the property tests check every pair.
    """

    @property
    def tags(self) -> tuple[str, ...]:
        """Qualified names it stands for; more than one in a substitution group."""
        ...

    @property
    def prefixes(self) -> frozenset[str]:
        """Prefixes of all names that may be written within, its own included."""
        ...

    def read(self, element: Element) -> Any:
        """Return the value of an element."""
        ...

    def write(self, parent: Element, value: Any) -> None:
        """Append the element for a value."""
        ...


class Leaf(Generic[T]):
    """An element with text, perhaps inside wrappers that hold nothing else (``xcal:dtstart/xcal:date-time``)."""

    def __init__(self, lexical: Lexical[T], *names: str) -> None:
        self.tags = (qualified(names[0]),)
        self.prefixes = frozenset(map(prefix_of, names))
        self._path: Final = tuple(map(qualified, names))
        self._inner: Final = self._path[1:]
        self._read: Final = lexical.read
        self._write: Final = lexical.write

    def read(self, element: Element) -> T | None:
        """Return the value; ``None`` when a wrapper is empty, as the schema allows for a tolerance."""
        try:
            for _ in self._inner:
                element = element[0]
        except IndexError:
            return None
        return self._read(element.text or "")

    def write(self, parent: Element, value: T) -> None:
        """Append wrappers and text."""
        for tag in self._path:
            parent = etree.SubElement(parent, tag)
        try:
            parent.text = self._write(value)
        except ValueError as error:
            raise MisuseError("INVALID_TEXT", f"{local_name(parent)}: {error}") from None


class Raw:
    """A wrapper whose one child is carried uninterpreted."""

    def __init__(self, name: str) -> None:
        self.tags = (qualified(name),)
        self.prefixes = frozenset({prefix_of(name)})

    def read(self, element: Element) -> RawXml:
        """Return the child as exclusive canonical XML."""
        return RawXml(xml=canonical_text(element[0]))

    def write(self, parent: Element, value: RawXml) -> None:
        """Append the wrapper and the child."""
        append_text(etree.SubElement(parent, self.tags[0]), value.xml)


def canonical_text(element: Element) -> str:
    """Return an element in exclusive canonical XML, which does not depend on what surrounds it."""
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, with_tail=False
    ).decode()


def append_text(parent: Element, xml: str) -> None:
    """Append an element that is given as text."""
    try:
        parent.append(parse(xml.encode()))
    except (WireError, UnicodeEncodeError) as error:
        raise MisuseError(
            "INVALID_TEXT", f"{local_name(parent)}: no XML to carry: {error}"
        ) from None


class Listing:
    """A wrapper around a repeated element (``strm:intervals/ei:interval``); its value is a tuple."""

    def __init__(self, name: str, item: Content) -> None:
        self.tags = (qualified(name),)
        self.prefixes = item.prefixes | {prefix_of(name)}
        self._item: Final = item

    def read(self, element: Element) -> tuple[object, ...]:
        """Return the items; foreign children are skipped."""
        read, tags = self._item.read, self._item.tags
        return tuple([read(child) for child in element if child.tag in tags])

    def write(self, parent: Element, value: tuple[object, ...]) -> None:
        """Append the wrapper, however few the items."""
        wrapper = etree.SubElement(parent, self.tags[0])
        for item in value:
            self._item.write(wrapper, item)


class Enclosed:
    """A wrapper around one element, followed by empty ones that the schema demands."""

    def __init__(self, name: str, inner: Content, *empty: str) -> None:
        self.tags = (qualified(name),)
        self.prefixes = inner.prefixes.union(map(prefix_of, (name, *empty)))
        self._inner: Final = inner
        self._empty: Final = tuple(map(qualified, empty))

    def read(self, element: Element) -> Any:
        """Return the inner value."""
        return self._inner.read(element[0])

    def write(self, parent: Element, value: Any) -> None:
        """Append wrapper, inner element and empty ones."""
        wrapper = etree.SubElement(parent, self.tags[0])
        self._inner.write(wrapper, value)
        for tag in self._empty:
            etree.SubElement(wrapper, tag)


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a content model: a field and the element that fills it."""

    field: str
    """Empty when the element's children fill fields of the value around it."""
    content: Content
    required: bool = False
    repeats: bool = False
    drops_empty: bool = False
    """An empty tuple is not written at all."""


def one(field: str, content: Content) -> Part:
    """Exactly one."""
    return Part(field, content, required=True)


def maybe(field: str, content: Content) -> Part:
    """None or one; absent is ``None``."""
    return Part(field, content)


def many(field: str, content: Content) -> Part:
    """Any number side by side; absent is an empty tuple."""
    return Part(field, content, repeats=True)


def maybe_listing(field: str, content: Content) -> Part:
    """None or one wrapper; absent and empty are both an empty tuple."""
    return Part(field, content, drops_empty=True)


def spread(name: str, *parts: Part) -> Part:
    """One wrapper whose children fill fields of the value around it (``pyld:eiCreatedEvent``)."""
    return Part("", Struct(dict, name, *parts), required=True)


class Struct(Generic[T]):
    """An element with child elements that fill the fields of a frozen value."""

    def __init__(self, make: Callable[..., T], name: str, *parts: Part) -> None:
        """Lay out a content model.

        Args:
            make: Builds the value from the fields by keyword; leaves optional ones to their defaults.
            name: Element name with our prefix.
            parts: In the order of the schema.
        """
        self.tags = (qualified(name),)
        self.prefixes = frozenset({prefix_of(name)}).union(
            *(part.content.prefixes for part in parts)
        )
        self._make: Final = make
        self._parts: Final = parts
        self._by_tag: Final = {
            tag: (part.field, part.content.read, part.repeats)
            for part in parts
            for tag in part.content.tags
        }

    def read(self, element: Element) -> T:
        """Build the value; children that are not in the table are skipped.

        Raises:
            WireError: ``SCHEMA`` when a required child is missing; the bounds of the leaves otherwise.
        """
        fields: dict[str, Any] = {}
        repeated: set[str] = set()
        find = self._by_tag.get
        for child in element:
            known = find(child.tag)
            if known is None:
                continue
            field, read, repeats = known
            if repeats:
                fields.setdefault(field, []).append(read(child))
                repeated.add(field)
            elif field:
                fields[field] = read(child)
            else:
                fields.update(read(child))
        for field in repeated:
            fields[field] = tuple(fields[field])
        try:
            return self._make(**fields)
        except TypeError:
            raise WireError("SCHEMA", f"{local_name(element)} lacks a required element") from None

    def write(self, parent: Element, value: T) -> None:
        """Append the element.

        Raises:
            MisuseError: ``SCHEMA`` when a required field is ``None``; the bounds of the leaves otherwise.
        """
        self.fill(etree.SubElement(parent, self.tags[0]), value)

    def fill(self, element: Element, value: object) -> None:
        """Append the children to an element that exists already.

        Raises:
            MisuseError: ``SCHEMA``.
        """
        for part in self._parts:
            found: Any = getattr(value, part.field) if part.field else value
            if part.repeats:
                for item in found:
                    part.content.write(element, item)
            elif found is None:
                if part.required:
                    raise MisuseError("SCHEMA", f"{local_name(element)} needs {part.field}")
            elif found or not part.drops_empty:
                part.content.write(element, found)
