"""TOML document -> sections, each judged by itself: a fault in one hides nothing about the others."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.config.fixes import Place, fix, unknown_key
from gateway.config.lines import line_of
from gateway.config.settings import (
    GatewaySection,
    ProgramSection,
    PushSection,
    Section,
    Settings,
    SiteSection,
    SouthboundSection,
    StoreSection,
    UtilitySection,
)
from gateway.domain.errors import Fault, GatewayError
from gateway.protocols.entry import Entry
from gateway.protocols.registry import PROTOCOLS

S = TypeVar("S", bound=Section)
WORDS = {"extra_forbidden": "UNKNOWN_KEY", "missing": "MISSING_KEY"}
"""What pydantic calls it -> our word; everything else is a wrong value."""


@dataclass
class Faults:
    """Collects faults of one file."""

    file: Path
    text: str
    _found: dict[tuple[int, Fault], None] = field(default_factory=dict)

    def add(self, place: Place, what: str, reason: str = "") -> None:
        """Note one fault at a key; ``what`` may know its own word already."""
        name = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
        line = line_of(self.text, place)
        at = f"{self.file}:{line}"
        word = reason or (what.reason if isinstance(what, Fault) else "WRONG_VALUE")
        self._found[line, Fault(f"{at}  {name}: {what}", reason=word, place=at, key=name)] = None

    def validation(
        self, errors: Iterable[ErrorDetails], root: Place, models: Sequence[type[BaseModel]]
    ) -> None:
        """Note every fault that pydantic found below a place."""
        for error in errors:
            # A key of a table that may have only some: it is the key that is told.
            place = (*root, *(part for part in error["loc"] if part != "[key]"))
            self.add(place, fix(error, place, models), WORDS.get(error["type"], "WRONG_VALUE"))

    @property
    def listed(self) -> tuple[Fault, ...]:
        """Every fault once, in the order of the file."""
        return tuple(text for _, text in sorted(self._found, key=lambda found: found[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What of a file could be read.

    A section with faults lacks the attributes that are faulty or missing: to ask for one is an ``AttributeError``,
    never a guess.
    """

    gateway: GatewaySection
    store: StoreSection
    southbound: SouthboundSection
    push: PushSection
    sites: tuple[SiteSection, ...]
    utilities: tuple[UtilitySection, ...]
    programs: tuple[ProgramSection, ...]
    site_names: tuple[str | None, ...]
    """As written, those of faulty sections too; None: there is none that could be one."""
    utility_names: tuple[str | None, ...]
    folder: Path
    """Relative paths count from here."""

    def path(self, given: Path) -> Path:
        """Resolve a path of the file."""
        return given if given.is_absolute() else self.folder / given

    @property
    def settings(self) -> Settings:
        """The whole, once there were no faults."""
        return Settings.model_validate(
            {
                "gateway": self.gateway,
                "store": self.store,
                "southbound": self.southbound,
                "push": self.push,
                "site": self.sites,
                "utility": self.utilities,
                "program": self.programs,
            }
        )


def draft(document: Mapping[str, Any], faults: Faults, folder: Path) -> Draft:
    """Read every section, noting the faults of each."""
    for name in document:
        if name not in Settings.model_fields:
            faults.add((name,), unknown_key(name, Settings.model_fields), "UNKNOWN_KEY")
    lists = {
        name: tuple(_tables(document, name, faults)) for name in ("site", "utility", "program")
    }
    return Draft(
        gateway=_section(GatewaySection, document.get("gateway", {}), ("gateway",), faults),
        store=_section(StoreSection, document.get("store", {}), ("store",), faults),
        southbound=_section(
            SouthboundSection, document.get("southbound", {}), ("southbound",), faults
        ),
        push=_section(PushSection, document.get("push", {}), ("push",), faults),
        sites=tuple(
            _section(SiteSection, raw, ("site", k), faults) for k, raw in enumerate(lists["site"])
        ),
        utilities=tuple(_utility(k, raw, faults) for k, raw in enumerate(lists["utility"])),
        programs=tuple(
            _section(ProgramSection, raw, ("program", k), faults)
            for k, raw in enumerate(lists["program"])
        ),
        site_names=_names(lists["site"], "id"),
        utility_names=_names(lists["utility"], "name"),
        folder=folder,
    )


def _tables(document: Mapping[str, Any], name: str, faults: Faults) -> Iterator[object]:
    found = document.get(name, [])
    if not isinstance(found, list):
        faults.add((name,), f"must be a list; write [[{name}]], with two brackets")
        found = []
    elif not found:
        faults.add((name,), f"is missing; add at least one [[{name}]]", "MISSING_KEY")
    yield from found


def _names(raws: Iterable[object], key: str) -> tuple[str | None, ...]:
    found = (raw.get(key) if isinstance(raw, dict) else None for raw in raws)
    return tuple(name if isinstance(name, str) else None for name in found)


def _section(model: type[S], raw: object, at: Place, faults: Faults) -> S:
    """Read one section; of one with faults, what is sound."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    faults.validation(errors, at, (model,))
    return _sound(model, raw, errors)


def _sound(model: type[S], raw: object, errors: Sequence[ErrorDetails]) -> S:
    """Make a section out of its sound keys alone; the others stay without any value, not even the default."""
    known = copy.deepcopy(raw) if isinstance(raw, dict) else {}
    bad = set() if isinstance(raw, dict) else set(model.model_fields)
    for found in errors:
        if found["type"] == "extra_forbidden":
            _drop(known, found["loc"])
        elif found["loc"]:
            bad.add(str(found["loc"][0]))
    section: S = model.model_construct()  # type: ignore[assignment]  # the plugin forgets which section
    for key, info in model.model_fields.items():
        if key in bad:
            section.__dict__.pop(key, None)
        elif key in known:
            section.__dict__[key] = _value(info, known[key])
    return section


def _value(info: FieldInfo, raw: object) -> object:
    """Read the value of one key as its section would."""
    adapter: TypeAdapter[object] = TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]  # a type made at run time
    return adapter.validate_python(raw)


def _drop(raw: Any, loc: Place) -> None:
    for part in loc[:-1]:
        raw = raw[part]
    del raw[loc[-1]]


def _utility(index: int, raw: object, faults: Faults) -> UtilitySection:
    at = ("utility", index)
    if not isinstance(raw, dict):
        return _section(UtilitySection, raw, at, faults)
    entry = next((e for name, e in PROTOCOLS.items() if name == raw.get("protocol")), None)
    if entry is not None:
        _own_keys(entry, raw, at, faults)
    elif "protocol" in raw:
        known = ", ".join(sorted(PROTOCOLS))
        faults.add((*at, "protocol"), f"not available; this version speaks {known}")
        # The rest is judged all the same; which of the unknown keys would be its own, nobody can say.
        raw = {**raw, "protocol": next(iter(PROTOCOLS))}
    return _section(UtilitySection, raw, at, faults)


def _own_keys(entry: Entry, raw: Mapping[str, Any], at: Place, faults: Faults) -> None:
    """Let the protocol's own folder judge the keys that only it knows."""
    own = {key: value for key, value in raw.items() if key not in UtilitySection.model_fields}
    try:
        entry.read_options(own)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        faults.validation(errors, at, (entry.options, UtilitySection))
    except GatewayError as error:
        faults.add(at, error.detail)
