"""What does not change while a session lives, its clock, and the bytes that events came in."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.event import RawMessage
from gateway.domain.names import SiteId
from gateway.domain.protocol import ProtocolName
from gateway.domain.timespan import EARLIEST
from gateway.protocols.actions import Message
from gateway.protocols.entry import ProgramTerms, Scope, SiteTerms, Tools
from gateway.protocols.sep2.client.clock import ServerClock
from gateway.protocols.sep2.client.convert import Reader
from gateway.protocols.sep2.client.modes import Rating
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.state import FORMAT, SESSION, Parts
from gateway.protocols.sep2.codec import Edition, Flavour
from gateway.protocols.sep2.identity import same_hex

NOTHING: Final = RawMessage(
    body=b"",
    media_type="application/sep+xml",
    sha256=hashlib.sha256(b"").hexdigest(),
    peer="",
    received_at=EARLIEST,
)
"""Where an event came from whose list was not read since the start."""


@dataclass(slots=True, kw_only=True)
class Setting:
    """One utility."""

    options: Sep2Options
    scope: Scope
    tools: Tools
    protocol: ProtocolName
    parts: Parts
    """What of the session survives a restart."""
    clock: ServerClock = field(default_factory=ServerClock)
    old: bool = False
    """The server speaks in the namespace of 2013, as its DeviceCapability shows; so do we then."""
    raws: dict[str, RawMessage] = field(default_factory=dict)
    """href -> the last answer from there."""

    def __post_init__(self) -> None:
        found = self.parts.found(SESSION)
        if found is not None:
            self.clock.offset = timedelta(seconds=found["offset_s"])
            self.parts.rehomed(found.get("root", ""), self.scope.root)
        self.parts.keep(SESSION, self._document)
        self.parts.touch(SESSION)

    def _document(self) -> object:
        offset_s = round(self.clock.offset.total_seconds())
        return {"format": FORMAT, "offset_s": offset_s, "root": self.scope.root}

    @property
    def flavour(self) -> Flavour:
        """Return how documents for this server are written."""
        edition = Edition.Y2018 if self.options.edition == "2018" else Edition.Y2023
        return Flavour(edition=edition, csip_aus=self.options.csip_aus, old=self.old)

    @property
    def reader(self) -> Reader:
        """Return how this server's events are read."""
        return Reader(server=self.scope.utility, target_reduction=self.options.target_reduction)

    def site_terms(self, sites: tuple[SiteId, ...]) -> tuple[SiteTerms, ...]:
        """Return what is declared of some sites; of all, where none is named."""
        return tuple(one for one in self.scope.site_terms if not sites or one.site in sites)

    def rating_of(self, sites: tuple[SiteId, ...]) -> Rating:
        """Return what percentages are percentages of at some sites: their contracted import, unless it was set."""
        terms = self.site_terms(sites) if sites else ()
        if self.options.charge_kw is not None or not terms:
            return self.rating
        whole = sum((one.contracted_import_kw for one in terms), Decimal(0))
        return replace(self.rating, charge_kw=whole)

    @property
    def rating(self) -> Rating:
        """Return what percentages are percentages of."""
        return Rating(
            charge_kw=self.options.charge_kw or self.scope.contracted_import_kw,
            fixed_w_is_cap=self.options.fixed_w_is_cap,
        )

    def remember(self, href: str, message: Message, now: datetime) -> None:
        """Keep the bytes of an answer, as evidence of what it leads to."""
        self.raws[href] = RawMessage(
            body=message.body,
            media_type=message.media_type,
            sha256=hashlib.sha256(message.body).hexdigest(),
            peer=message.peer,
            received_at=now,
        )

    def terms(self, mrid: str, description: str) -> ProgramTerms | None:
        """Return the terms of a server's program: configured by its mRID or description, or the only ones there are."""
        for terms in self.scope.programs:
            if same_hex(terms.name, mrid) or (description and terms.name == description):
                return terms
        return self.scope.programs[0] if len(self.scope.programs) == 1 else None
