"""A message of IEEE 2030.5 as a check reads it: the document's name, XPaths in its namespaces, faults by our tables."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final

from conformance.kit.sep2.names import NAMES
from conformance.kit.sep2.tables import document_faults, tables
from conformance.kit.transcript import Message, Part
from conformance.kit.xml import Element, local_name, parse, xpath

_SHOWN: Final = 5
_FINE: Final = range(200, 300)


@lru_cache(maxsize=8192)
def _body_faults(body: bytes) -> tuple[str, ...]:
    found = parse(body)
    if found.root is None:
        return (found.fault,)
    return tuple(islice(document_faults(found.root), _SHOWN))


@lru_cache(maxsize=8192)
def _found_in(body: bytes) -> dict[str, tuple[str, ...]]:
    """Return what was found by path in a body so far."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Sep2Message(Message):
    """One HTTP message with a 2030.5 document, or with none."""

    @cached_property
    def payload(self) -> Element | None:
        """Return the document's root; None when there is none of 2030.5."""
        root = self.root
        return root if root is not None and str(root.tag) in tables().roots else None

    @cached_property
    def name(self) -> str:
        """Return e.g. ``DERControlList``; empty without a document."""
        return "" if self.payload is None else local_name(self.payload)

    @cached_property
    def schema_faults(self) -> tuple[str, ...]:
        """Return what our tables object to."""
        return _body_faults(self.plain)

    def _found(self, path: str) -> tuple[str, ...]:
        known = _found_in(self.plain)
        found = known.get(path)
        if found is None:
            rows = [] if self.payload is None else xpath(self.payload, path, NAMES)
            found = tuple(x if isinstance(x, str) else (x.text or "").strip() for x in rows)
            known[path] = found
        return found

    def elements(self, path: str) -> list[Element]:
        """Return the elements that an XPath finds below the document's root."""
        if self.payload is None:
            return []
        return [x for x in xpath(self.payload, path, NAMES) if not isinstance(x, str)]

    @property
    def code(self) -> str:
        """Return the status of a Response, empty for anything else."""
        return self.text("self::*[s:subject]/s:status")

    @property
    def bare_path(self) -> str:
        """Return the path of a request without its query."""
        return self.path.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Return the query of a request."""
        pairs = (pair.partition("=") for pair in self.path.partition("?")[2].split("&") if pair)
        return {name: value for name, _, value in pairs}

    @property
    def fine(self) -> bool:
        """Say whether a response is one of success, whole and unharmed."""
        return (
            self.part is Part.RESPONSE and self.status in _FINE and not (self.fault or self.broken)
        )
