"""The detailed statement of what a device supports, item by item, as a page for people."""

from collections.abc import Iterator
from typing import Final, Literal

from conformance.engine.data import Model

_HEAD: Final = "| Item | Capability | Reference | Status | Support | Values |"
_LINE: Final = "|---|---|---|---|---|---|"


class Entry(Model):
    """One capability."""

    item: str
    capability: str
    reference: str
    """Section or rule of the standard."""
    status: Literal["M", "O", "C"]
    support: Literal["yes", "no"]
    values: str = ""
    tests: tuple[str, ...] = ()
    """Names of the tests that show it."""


class Part(Model):
    """Capabilities of one kind."""

    title: str
    items: tuple[Entry, ...]


class Statement(Model):
    """Everything that one device supports, and what it does not."""

    vendor: str
    product: str
    profile: str
    role: str
    edition: str
    parts: tuple[Part, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return every entry, in order."""
        return tuple(entry for part in self.parts for entry in part.items)


def page(statement: Statement) -> str:
    """Write the statement as Markdown."""
    return "\n".join(_lines(statement)) + "\n"


def _lines(statement: Statement) -> Iterator[str]:
    role = statement.role.upper()
    yield f"# PICS of the {role} of {statement.product}, OpenADR 2.0b"
    yield ""
    yield f"{statement.edition}. Status: M mandatory, O optional, C conditional. A statement by its makers and a"
    yield "pre-test, no certification. Made from the file of the same name that ends in `.yaml`, where each claim names"
    yield "its tests; a test keeps both equal."
    for part in statement.parts:
        yield from ("", f"## {part.title}", "", _HEAD, _LINE)
        for entry in part.items:
            cells = (
                entry.item,
                entry.capability,
                entry.reference,
                entry.status,
                entry.support,
                entry.values,
            )
            yield "| " + " | ".join(cells) + " |"
    supported = sum(entry.support == "yes" for entry in statement.entries)
    yield ""
    yield f"{supported} of {len(statement.entries)} items are supported."
