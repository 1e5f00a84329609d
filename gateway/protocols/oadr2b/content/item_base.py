"""Content model of ``emix:itemBase``: a substitution group of units."""

from typing import Any, Final

from lxml import etree

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.content.model import (
    Content,
    Leaf,
    Struct,
    append_text,
    canonical_text,
    maybe,
    one,
)
from gateway.protocols.oadr2b.lexical import FLAG, NUMBER, TEXT, TOKEN
from gateway.protocols.oadr2b.messages.item_base import FIXED, ItemBase, PowerAttributes
from gateway.protocols.oadr2b.messages.target import RawXml
from gateway.protocols.oadr2b.names import qualified
from gateway.protocols.xml import Element, local_name

_ITEM_PREFIX: Final = {
    **dict.fromkeys(
        (
            "voltage",
            "energyApparent",
            "energyReactive",
            "energyReal",
            "powerApparent",
            "powerReactive",
            "powerReal",
        ),
        "power",
    ),
    **dict.fromkeys(
        (
            "current",
            "frequency",
            "currency",
            "currencyPerKWh",
            "currencyPerKW",
            "currencyPerThm",
            "temperature",
            "Therm",
            "pulseCount",
            "customUnit",
            "oadrGBDataDescription",
        ),
        "oadr",
    ),
}
_GREEN_BUTTON: Final = "oadrGBDataDescription"
_XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ABSTRACT: Final = ("energyItem", "powerItem")
"""Names that stand for any unit of their family, which ``xsi:type`` then tells."""
_SCALE: Final = Leaf(TOKEN, "scale:siScaleCode")
_FACTOR: Final = Leaf(NUMBER, "oadr:pulseFactor")
_ATTRIBUTES: Final = Struct(
    PowerAttributes,
    "power:powerAttributes",
    one("hertz", Leaf(NUMBER, "power:hertz")),
    one("voltage", Leaf(NUMBER, "power:voltage")),
    one("ac", Leaf(FLAG, "power:ac")),
)


_PARTS: Final[dict[str, tuple[str, Content]]] = {
    "itemDescription": ("item_description", Leaf(TEXT, "power:itemDescription")),
    "itemUnits": ("item_units", Leaf(TOKEN, "power:itemUnits")),
    "siScaleCode": ("si_scale_code", _SCALE),
    "pulseFactor": ("pulse_factor", _FACTOR),
    "powerAttributes": ("power_attributes", _ATTRIBUTES),
}
"""By local name: the first two stand in the namespace of the unit around them."""


class ItemBaseContent:
    """Any element that may stand for ``emix:itemBase``."""

    tags: Final = (
        *(qualified(f"{prefix}:{name}") for name, prefix in _ITEM_PREFIX.items()),
        *(qualified(f"power:{name}") for name in _ABSTRACT),
    )
    prefixes: Final = frozenset({"oadr", "power", "scale"})

    def read(self, element: Element) -> ItemBase:
        """Return the unit; a text that the schema fixes may be left out by the peer and is filled in."""
        name = self._name(element)
        if name == _GREEN_BUTTON:
            return ItemBase(name=name, atom_feed=RawXml(xml=canonical_text(element[0])))
        description, units = FIXED.get(name, ("", None))
        told: dict[str, Any] = {}
        for child in element:
            field, leaf = _PARTS[local_name(child)]
            told[field] = leaf.read(child)
        told["item_description"] = told["item_description"] or description
        told["item_units"] = told["item_units"] or units or ""
        return ItemBase(name=name, **told)

    def _name(self, element: Element) -> str:
        name = local_name(element)
        if name not in _ABSTRACT:
            return name
        # The schema makes xsi:type obligatory here: the types of both elements are abstract.
        kind = str(element.get(_XSI_TYPE, "")).rpartition(":")[2].removesuffix("Type")
        return kind[:1].lower() + kind[1:]

    def write(self, parent: Element, value: ItemBase) -> None:
        """Append the unit's element.

        Raises:
            MisuseError: ``SCHEMA`` for an unknown name.
        """
        prefix = _ITEM_PREFIX.get(value.name)
        if prefix is None:
            raise MisuseError("SCHEMA", f"no itemBase is called {value.name[:40]!r}")
        element = etree.SubElement(parent, qualified(f"{prefix}:{value.name}"))
        if value.atom_feed is not None:
            append_text(element, value.atom_feed.xml)
            return
        Leaf(TEXT, f"{prefix}:itemDescription").write(element, value.item_description)
        Leaf(TOKEN, f"{prefix}:itemUnits").write(element, value.item_units)
        if value.si_scale_code is not None:
            _SCALE.write(element, value.si_scale_code)
        if value.pulse_factor is not None:
            _FACTOR.write(element, value.pulse_factor)
        if value.power_attributes is not None:
            _ATTRIBUTES.write(element, value.power_attributes)


ITEM_BASE: Final = maybe("item_base", ItemBaseContent())
