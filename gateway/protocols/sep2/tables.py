"""The rows of the generated tables: every type of every edition, ready for the codec.

``known`` and ``required`` are sets of bits, one for each thing that a ``Flavour`` may have; ``flavour & known`` tells
whether a document of that flavour may hold something.
"""

from dataclasses import dataclass
from enum import Enum, IntFlag
from typing import Any, Final


class In(IntFlag):
    """Where a type, element or attribute is known or required."""

    Y2018 = 1
    Y2023 = 2
    AUS = 4
    """CSIP-AUS, in whatever namespace."""
    STORAGE = 8
    """Its storage beta."""


class Edition(Enum):
    """An edition of IEEE 2030.5."""

    Y2018 = "2018"
    Y2023 = "2023"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """What a peer understands.

    Args:
        edition: Of IEEE 2030.5.
        csip_aus: Whether the elements of CSIP-AUS may be used.
        storage: Whether those are of the storage beta, in its own namespace; only with ``csip_aus``.
        old: Whether it is a peer of 2013, whose namespace is another.
    """

    edition: Edition
    csip_aus: bool = False
    storage: bool = False
    old: bool = False

    @property
    def bits(self) -> In:
        """Return what it consists of."""
        found = In[self.edition.name]
        if self.csip_aus:
            found |= In.AUS
            if self.storage:
                found |= In.STORAGE
        return found


@dataclass(frozen=True, slots=True)
class Simple:
    """The type of a text."""

    name: str
    kind: str
    """``integer``, ``hex``, ``text``, ``uri`` or ``boolean``."""
    low: int
    high: int
    """Of integers; of the others ``high`` is the most bytes (hex) or characters."""


@dataclass(frozen=True, slots=True)
class Part:
    """An element or an attribute."""

    name: str
    """On the wire."""
    field: str
    """Of the dataclass."""
    type: str
    """The name of a ``Simple`` or of a class."""
    least: int
    most: int
    """0: any number."""
    known: int
    required: int
    aus: bool = False
    """Whether it stands in the namespace of CSIP-AUS."""
    was: str = ""
    """An older name, read and never written."""
    switched: bool = False
    """Whether it may carry the attribute ``disabled`` (2023)."""


@dataclass(frozen=True, slots=True)
class Row:
    """A type: its class, its names and its content in the order of the wire, that of its base included."""

    make: type[Any]
    type_name: str
    """As in ``xsi:type``."""
    root: str
    """As a document; empty when it is none."""
    known: int
    aus: bool
    attributes: tuple[Part, ...]
    elements: tuple[Part, ...]


SEP: Final = "urn:ieee:std:2030.5:ns"
AUS: Final = "https://csipaus.org/ns"
STORAGE: Final = "https://csipaus.org/ns/v1.3-beta/storage"
OLD: Final = "http://ieee.org/2030.5"
"""Of documents of 2013; read and written only where it is asked for."""
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
