"""Our type tables against the schemas of IEEE and CSIP-AUS, where those lie beside the checkout.

They may not be copied, so these tests read them in place and are skipped by name where they are not.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from conformance.sep2model import merge
from conformance.sep2model.__main__ import editions
from gateway.protocols import xml
from gateway.protocols.sep2.codec import Edition, Flavour, encode
from gateway.protocols.sep2.notation import Member, Type
from gateway.protocols.xml import Element
from tests.sep2_strategies import FLAVOURS, flavour_name, roots, values

DATA = Path(__file__).parents[3] / "shared/data/ieee2030_5"
XS = "{http://www.w3.org/2001/XMLSchema}"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the schemas of IEEE 2030.5 do not lie beside this checkout"
)
FIRST, SECOND, AUS = editions()
TYPES = {"2018": FIRST.types, "2023": {**FIRST.types, **SECOND.types}}
SIMPLES = merge.simples((FIRST, SECOND, AUS))
FILES = {"2018": "sep2_schema_2018.xsd", "2023": "sep2_schema_2023.xsd"}
NOT_YET = {
    *("Billing", "Charge", "CreditRegister", "Customer", "File", "HistoricalReading", "IPAddr"),
    *("IPInterface", "LLInterface", "Neighbor", "Prepay", "ProjectionReading", "RPL"),
    *("ServiceSupplier", "SupplyInterruptionOverride", "TargetReading", "AccountBalance"),
}
"""Function sets without tables: billing, prepayment, file download, network status."""
NARROWER = {
    "PerCent": (0, 10000),
    "SignedPerCent": (-10000, 10000),
    "OneHourRangeType": (-3600, 3600),
    "PINType": (0, 999999),
    "TOUType": (0, 15),
    "ConsumptionBlockType": (0, 16),
    "SubscribableType": (0, 3),
}
"""What the standard bounds in words and its schema does not."""
XS_BOUNDS = {
    "unsignedByte": (0, 255),
    "unsignedShort": (0, 65535),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedLong": (0, 2**64 - 1),
    "byte": (-128, 127),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
}
OURS = {"anyURI", "string"}
"""Bounded by us alone."""


class Schema:
    """The facts of one schema file."""

    def __init__(self, path: Path) -> None:
        self.root = etree.parse(path).getroot()
        self.complex = {str(e.get("name")): e for e in self.root.findall(f"{XS}complexType")}
        self.simple = {str(e.get("name")): e for e in self.root.findall(f"{XS}simpleType")}
        self.elements = {str(e.get("name")) for e in self.root.findall(f"{XS}element")}

    def body(self, name: str) -> Element:
        """Return what holds the content of a type: itself or its extension."""
        element = self.complex[name]
        for kind in ("complexContent", "simpleContent"):
            found = element.find(f"{XS}{kind}/{XS}extension")
            if found is not None:
                return found
        return element

    def base(self, name: str) -> str | None:
        return self.body(name).get("base") if name in self.complex else None

    def is_simple(self, name: str) -> bool:
        while name in self.complex:
            if self.complex[name].find(f"{XS}simpleContent") is None:
                return False
            name = self.base(name) or ""
        return True

    def link(self, name: str) -> str:
        """Return Link or ListLink for a type that adds nothing to one of them, else the name."""
        at: str | None = name
        while at in self.complex and at not in ("Link", "ListLink"):
            if self.body(at).findall(f"{XS}attribute"):
                return name
            at = self.base(at)
        return at if at in ("Link", "ListLink") else name

    def members(self, name: str) -> Iterator[tuple[Any, ...]]:
        """Yield elements and attributes, those of bases first, without the containers for later revisions."""
        base = self.base(name)
        if base in self.complex and not self.is_simple(base):
            yield from self.members(base)
        body = self.body(name)
        for e in body.findall(f"{XS}sequence/{XS}element"):
            if not str(e.get("name")).endswith("_r2_3"):
                most = e.get("maxOccurs", "1")
                occurs = (int(e.get("minOccurs", "1")), None if most == "unbounded" else int(most))
                yield ("element", e.get("name"), self.kind(e), *occurs, None)
        for e in body.findall(f"{XS}attribute"):
            least = int(e.get("use") == "required")
            yield ("attribute", e.get("name"), self.kind(e), least, 1, e.get("default"))

    def kind(self, element: Element) -> str:
        return self.link(str(element.get("type")).removeprefix("xs:"))

    def bounds(self, name: str) -> tuple[str, int, int]:
        """Return kind and bounds of a simple type."""
        while name in self.complex:
            name = self.base(name) or ""
        if name in self.simple:
            rule = self.simple[name].find(f"{XS}restriction")
            assert rule is not None
            under = str(rule.get("base"))
            facets = {etree.QName(f).localname: str(f.get("value")) for f in rule}
            if not under.startswith("xs:"):
                return self.bounds(under)
            if under in ("xs:hexBinary", "xs:string"):
                return ("hex" if "hex" in under else "text"), 0, int(facets["maxLength"])
            low, high = XS_BOUNDS[under.removeprefix("xs:")]
            low, high = int(facets.get("minInclusive", low)), int(facets.get("maxInclusive", high))
            return "integer", low, high
        return (
            {"boolean": "boolean", "anyURI": "uri", "string": "text"}[name.removeprefix("xs:")],
            0,
            0,
        )


def ours(name: str, types: Mapping[str, Type]) -> Iterator[tuple[Any, ...]]:
    row = types[name]
    if row.base is not None:
        yield from ours(row.base, types)
    yield from map(_told, row.members)


def _told(member: Member) -> tuple[Any, ...]:
    kind = "attribute" if member.attribute else "element"
    return kind, member.name, member.type, member.least, member.most, member.default


@pytest.fixture(scope="module")
def schemas() -> dict[str, Schema]:
    return {name: Schema(DATA / file) for name, file in FILES.items()}


@pytest.mark.spec("IEEE 2030.5-2018 schema")
@pytest.mark.spec("IEEE 2030.5-2023 schema")
@pytest.mark.parametrize(("edition", "name"), [(e, n) for e, types in TYPES.items() for n in types])
def test_a_type_is_as_the_schema_has_it(
    edition: str, name: str, schemas: dict[str, Schema]
) -> None:
    schema = schemas[edition]
    row = TYPES[edition][name]

    if row.simple is not None:
        assert schema.base(name) == row.simple
    assert list(ours(name, TYPES[edition])) == list(schema.members(name))
    for _, _, kind, *_ in ours(name, TYPES[edition]):
        assert (kind in SIMPLES) == (
            schema.is_simple(kind) and TYPES[edition].get(kind, Type(name="")).simple is None
        )


@pytest.mark.spec("IEEE 2030.5-2018 schema", "IEEE 2030.5-2023 schema")
def test_a_type_stands_for_itself_in_both_editions(schemas: dict[str, Schema]) -> None:
    for name, row in {**FIRST.types, **SECOND.types}.items():
        wanted = name in schemas["2023"].elements
        assert (row.root == name) == wanted, name
    for name in FIRST.types:
        assert FIRST.types[name].root is None or name in schemas["2018"].elements


@pytest.mark.spec("IEEE 2030.5-2018 schema")
@pytest.mark.parametrize("name", sorted(SIMPLES.keys() - AUS.simples.keys()))
def test_a_simple_type_has_the_bounds_of_the_schema(name: str, schemas: dict[str, Schema]) -> None:
    schema = schemas["2018" if name in FIRST.simples else "2023"]
    simple = SIMPLES[name]

    kind, low, high = schema.bounds(name)
    assert simple.kind == kind
    if name in NARROWER:
        assert low <= simple.low <= simple.high <= high
        assert (simple.low, simple.high) == NARROWER[name]
    elif name not in OURS:
        assert (simple.low, simple.high) == (low, high)


@pytest.mark.parametrize("edition", FILES)
def test_every_document_has_a_table_or_is_of_a_function_set_not_yet_there(
    edition: str, schemas: dict[str, Schema]
) -> None:
    documents = schemas["2023"].elements & schemas[edition].elements
    missing = documents - TYPES[edition].keys()

    assert {n for n in missing if not n.startswith(tuple(NOT_YET))} == set()
    assert len(documents - missing) > 70


@pytest.mark.spec("CSIP-AUS schema")
@pytest.mark.parametrize(
    ("core", "ext", "beta"),
    [
        ("csipaus-core.xsd", "csipaus-ext.xsd", False),
        ("csipaus-v1.2/csipaus-core.xsd", "csipaus-v1.2/csipaus-ext.xsd", False),
        (
            "csipaus-core-v1.3-beta_storage.xsd",
            "csipaus-ext-v1.3-beta_storage.xsd",
            True,
        ),
    ],
    ids=["1.2", "1.2 as others ship it", "1.3 storage beta"],
)
def test_the_additions_are_those_of_csip_aus(core: str, ext: str, beta: bool) -> None:
    whole = etree.parse(DATA / core).getroot()
    added = Schema(DATA / ext)
    space = AUS.namespaces["beta" if beta else "aus"]
    types = {str(e.get("name")): str(e.get("type")) for e in added.root.findall(f"{XS}element")}

    found = {}
    for each in whole.iter(f"{XS}complexType"):
        refs = each.findall(f".//{XS}element")
        found[each.get("name")] = [
            (
                str(e.get("ref")).partition(":")[2],
                types[str(e.get("ref")).partition(":")[2]].removeprefix("bs:"),
                int(e.get("minOccurs", "1")),
                e.get("maxOccurs", "1"),
            )
            for e in refs
        ]

    assert added.root.get("targetNamespace") == space
    assert found == {
        name: [
            (m.name, m.type, m.least, str(m.most))
            for m in extension.members
            if beta or m.prefix == "aus"
        ]
        for name, extension in AUS.extensions.items()
    }
    for name in AUS.simples:
        if name in added.complex:
            assert added.base(name) == f"bs:{AUS.simples[name].base}"
    point = AUS.types["ConnectionPointType"]
    assert added.base("ConnectionPointType") == f"bs:{point.base}"
    assert types["ConnectionPoint"] == "ConnectionPointType"
    (member,) = added.body("ConnectionPointType").findall(f".//{XS}element")
    assert (member.get("name"), member.get("type")) == (
        point.members[0].name,
        f"bs:{point.members[0].type}",
    )


def _file(flavour: Flavour) -> str:
    if flavour.storage:
        return "csipaus-core-v1.3-beta_storage.xsd"
    if flavour.csip_aus:
        return "csipaus-core.xsd"
    return FILES[flavour.edition.value]


VALID = [f for f in FLAVOURS if f.edition is Edition.Y2018 or not f.csip_aus]
"""CSIP-AUS has no schema on top of 2023."""


@pytest.fixture(scope="module")
def compiled() -> dict[str, etree.XMLSchema]:
    return {n: etree.XMLSchema(etree.parse(DATA / n)) for n in map(_file, VALID)}


@pytest.mark.spec("IEEE 2030.5-2018 schema", "IEEE 2030.5-2023 schema", "CSIP-AUS schema")
@pytest.mark.parametrize(
    ("flavour", "name"),
    [(flavour, row.make.__name__) for flavour in VALID for row in roots(flavour)],
    ids=lambda each: each if isinstance(each, str) else flavour_name(each),
)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_what_we_write_is_valid(
    flavour: Flavour, name: str, compiled: dict[str, etree.XMLSchema], data: st.DataObject
) -> None:
    schema = compiled[_file(flavour)]

    body = encode(data.draw(values(name, flavour)), flavour)

    assert schema.validate(xml.parse(body)), schema.error_log
