"""Documents of IEEE 2030.5 drawn from the tables: every type, every flavour, every bound."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from gateway.protocols.sep2._generated.rows import ROWS, SIMPLES
from gateway.protocols.sep2.codec import Edition, Flavour
from gateway.protocols.sep2.tables import In, Part, Row, Simple

FLAVOURS = (
    Flavour(edition=Edition.Y2018),
    Flavour(edition=Edition.Y2023),
    Flavour(edition=Edition.Y2018, csip_aus=True),
    Flavour(edition=Edition.Y2018, csip_aus=True, storage=True),
    Flavour(edition=Edition.Y2023, csip_aus=True),
)
_SIMPLES = {simple.name: simple for simple in SIMPLES}
_BY_NAME = {row.make.__name__: row for row in ROWS}
_OPEN = ("Resource", "Response")
TEXT = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"
)
URIS = st.from_regex(r"\A(/[a-z0-9_~.-]{0,8}){1,4}(\?s=[0-9]{1,3}&l=[0-9])?\Z") | st.just(
    "https://[2001:db8::1]:8443/ntfy/%C3%A9"
)


def roots(flavour: Flavour) -> list[Row]:
    """Return the rows that may be documents of a flavour."""
    return [row for row in ROWS if row.root and row.known & flavour.bits]


def flavour_name(flavour: Flavour) -> str:
    """Name a flavour for a test's id."""
    more = "-storage" if flavour.storage else "-aus" if flavour.csip_aus else ""
    return f"{flavour.edition.value}{more}"


def simple_values(simple: Simple) -> st.SearchStrategy[Any]:
    """Draw values of a simple type, its bounds often."""
    match simple.kind:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(simple.low, simple.high) | st.sampled_from((simple.low, simple.high))
        case "hex":
            most = 256**simple.high - 1
            numbers = st.integers(0, most) | st.sampled_from((0, most))
            return (
                numbers if simple.high <= 8 else numbers.map(lambda n: f"{n:0{2 * simple.high}X}")
            )
        case "uri":
            return URIS
        case _:
            longest = min(simple.high, 200)
            return st.text(
                TEXT | st.sampled_from("\t\n\r&<>\"'"), max_size=min(longest, 12)
            ) | st.just("é" * longest)


@cache
def values(name: str, flavour: Flavour) -> st.SearchStrategy[Any]:
    """Draw objects of a class."""
    row = _BY_NAME[name]
    bits = flavour.bits
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for part in (*row.attributes, *row.elements):
        if part.known & bits:
            must = bool(part.required & bits)
            (required if must else optional)[part.field] = st.deferred(_drawer(part, flavour))
    switches = [part.field for part in row.elements if part.switched and part.known & bits]
    drawn = st.fixed_dictionaries(required, optional=optional)
    if not (switches and bits & In.Y2023):
        return drawn.map(lambda fields: row.make(**fields))
    off = st.frozensets(st.sampled_from(switches), max_size=3)
    return st.tuples(drawn, off).map(
        lambda both: row.make(**both[0], disabled=frozenset(both[1] & both[0].keys()))
    )


def _drawer(part: Part, flavour: Flavour) -> Any:
    def draw() -> st.SearchStrategy[Any]:
        one = _one(part, flavour)
        if part.most == 1:
            return one
        most = min(part.most or 2, part.least + 2)
        return st.lists(one, min_size=part.least, max_size=most).map(tuple)

    return draw


def _one(part: Part, flavour: Flavour) -> st.SearchStrategy[Any]:
    simple = _SIMPLES.get(part.type)
    if simple is not None:
        return simple_values(simple)
    if part.type not in _OPEN:
        return values(part.type, flavour)
    base = _BY_NAME[part.type].make
    names = [row.make.__name__ for row in roots(flavour) if issubclass(row.make, base)]
    if part.type == "Resource":
        # Any document may stand in a notification; a few are enough, and keep the examples small.
        names = [n for n in names if n in _NOTIFIED]
    return st.sampled_from(names).flatmap(lambda name: values(name, flavour))


_NOTIFIED = (
    *("DERControlList", "DefaultDERControl", "Reading", "EndDevice", "FunctionSetAssignmentsList"),
    *("ConnectionPoint", "AggregatedDevice"),
)


def documents(flavour: Flavour) -> st.SearchStrategy[Any]:
    """Draw a document of any type."""
    names = [row.make.__name__ for row in roots(flavour)]
    return st.sampled_from(names).flatmap(lambda name: values(name, flavour))
