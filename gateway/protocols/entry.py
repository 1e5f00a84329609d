"""What a protocol offers the gateway, and what the gateway hands it: one shape for all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from lxml import etree
from pydantic import BaseModel

from gateway.domain.chance import Chance
from gateway.domain.names import MeterId, SiteId, UtilityName
from gateway.domain.ports import Ids
from gateway.domain.protocol import ProtocolName
from gateway.protocols.session import Session

ClockPolicy = Literal["hold", "trust_ours", "trust_theirs"]
"""What to do with new requests of a utility whose clock is minutes off: hold them for the operator, take their dates
as they stand, or read them by the utility's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTerms:
    """What a session must know of a program to read its signals."""

    name: str
    """Market context or program name, as configured."""
    sites: tuple[SiteId, ...]
    delta_sign: Literal["signed", "unsigned"] = "signed"
    """``unsigned``: every delta is a reduction."""
    delta_basis: Literal["current", "baseline"] = "current"
    """What a delta is measured against."""
    capacity_is_cap: bool = False
    """True: a load-control capacity is an upper limit, not an operating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPoint:
    """A meter that may be reported to the utility."""

    site: SiteId
    meter: MeterId
    interval: timedelta
    """Length of one reading, positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTerms:
    """What a site's operator declared that a utility may be told."""

    site: SiteId
    meter: MeterId
    """Its contract meter."""
    contracted_import_kw: Decimal
    lowest_import_kw: Decimal | None = None
    """How far it may be driven down: by its envelope, else by its fail-safe; None: nobody has said."""
    longest_event: timedelta | None = None
    """For how long at most; None: nobody has said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The part of the configuration that one utility's session concerns."""

    utility: UtilityName
    programs: tuple[ProgramTerms, ...]
    points: tuple[MeterPoint, ...] = ()
    clock_policy: ClockPolicy = "hold"
    root: str = ""
    """The configured address."""
    lfdi: str = ""
    """What our certificate calls us in IEEE 2030.5; empty without a certificate."""
    contracted_import_kw: Decimal = Decimal(0)
    """Of all its sites together."""
    site_terms: tuple[SiteTerms, ...] = ()
    """Of each of its sites."""
    software: str = "gridgate"
    """Ours, with its version."""

    @property
    def sites(self) -> tuple[SiteId, ...]:
        """Return every site of every program, each once, in order."""
        return tuple(dict.fromkeys(site for program in self.programs for site in program.sites))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the core cannot make itself."""

    chance: Chance
    ids: Ids
    schema: etree.XMLSchema | None = None
    """Compiled schema of the protocol, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One protocol."""

    name: ProtocolName
    options: type[BaseModel]
    """The keys of ``[[utility]]`` that only this protocol knows."""
    session: Callable[[BaseModel, Scope, Tools, bytes | None], Session]
    """Makes a session: its options, its scope, its tools, and the state that the store holds (None: first start)."""
    recover: Callable[[bytes, datetime], bytes]
    """Makes the state out of a restored backup fit for the present: nothing that it was about to say is said."""
    schema_file: str = ""
    """Entry file of the schema set that ``Tools.schema`` is compiled from; empty: none."""

    def read_options(self, keys: Mapping[str, object]) -> BaseModel:
        """Check the protocol's own keys; raises pydantic's ``ValidationError``."""
        return self.options.model_validate(dict(keys))
