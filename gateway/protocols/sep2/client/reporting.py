"""What a device says of itself: ratings and settings at the start and when they change, its status at the poll rate.

A site is a load: it is rated and set by what it may draw; as a generator it is nothing. While a control runs that
CSIP-AUS has an own status for, that status is told (DRL-01, DRA-02).

Spec: IEEE 2030.5-2018 clause 10.10 (DER information); CSIP CORE-014, BASIC-028; CSIP-AUS ALL-08, ALL-09, DRL-01.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.alarms import Alarms
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.levels import gradients
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.presence import Presence
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Outgoing, Purpose
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.quantities import Toward, scaled_kw

CONTROL_BITS: Final = {
    "opModConnect": 2,
    "opModEnergize": 3,
    "opModFixedW": 7,
    "opModTargetW": 22,
    "opModDeltaW": 28,
}
"""Mode -> bit of DERControlType, those that a load can follow."""
CHARGE_BIT: Final = 0
ENVELOPE_BITS: Final = {"opModImpLimW": 1, "opModLoadLimW": 3}
"""Mode -> bit of DOEControlType (CSIP-AUS)."""
VIRTUAL: Final = 1
"""DERType: virtual or mixed; a pure load has no number of its own."""
NO_LIMIT: Final = 0
"""setGradW: ramps are the site's own."""
WORKING: Final = 0b111
"""ConnectStatus: connected, available, operating."""
OPERATIONAL: Final = 2
OFF: Final = 1
DISCONNECTED: Final = 100
_SHARES: Final = ((Decimal("0.125"), 101), (Decimal("0.625"), 102), (Decimal("0.875"), 103))
"""Share of the rating -> operational mode of CSIP-AUS while opModFixedW asks for load; above the last, 104."""
FULL_LOAD: Final = 104
_PURPOSES: Final = {
    "der_capability_link": Purpose.CAPABILITY,
    "der_settings_link": Purpose.SETTINGS,
    "der_status_link": Purpose.STATUS,
    "der_availability_link": Purpose.AVAILABILITY,
}
_REPEATED: Final = frozenset({Purpose.STATUS, Purpose.AVAILABILITY})
"""What is told again and again."""


@dataclass(slots=True, kw_only=True)
class Reporting:
    """The DER resources of every device of one session.

    Args:
        setting: The utility.
        presence: Knows what is drawn and could be shed.
        alarms: Knows what is wrong.
    """

    setting: Setting
    presence: Presence
    alarms: Alarms
    told: dict[str, str] = field(default_factory=dict)
    """href -> what stands there by our own hand, apart from its times."""
    refused_at: dict[str, datetime] = field(default_factory=dict)
    """href -> when the server last refused what was put there."""
    again_at: dict[str, datetime] = field(default_factory=dict)
    """href of a status -> when it is to be told again."""
    _again: list[tuple[datetime, str, str]] = field(default_factory=list)
    """(instant, href, LFDI), the earliest first."""

    def due(
        self, device: Device, place: Node, endpoint: sep.EndDevice, mirror: Mirror, now: datetime
    ) -> Iterator[Outgoing]:
        """Yield what is to be told of one device now.

        Args:
            device: Commissioned.
            place: The list that the device stands in.
            endpoint: As listed.
            mirror: What is known of the server.
            now: Current instant.
        """
        listing = mirror.at(place, endpoint, endpoint.der_list_link)
        if listing is None or listing.read_at is None or not device.ready:
            return
        every = timedelta(seconds=endpoint.post_rate) if endpoint.post_rate else listing.rate
        # A site is told as one DER: if it were told as several, each would claim the whole of it.
        ders = [der for der in listing.members if isinstance(der, sep.DER)]
        for der in sorted(ders, key=lambda der: der.href or "")[:1]:
            yield from self._of(device, der, listing, mirror, every, now)

    def _of(
        self,
        device: Device,
        der: sep.DER,
        listing: Node,
        mirror: Mirror,
        every: timedelta,
        now: datetime,
    ) -> Iterator[Outgoing]:
        for attribute, purpose in _PURPOSES.items():
            link: sep.Link | None = getattr(der, attribute)
            if link is None:
                continue
            href = mirror.resolved(listing, der, link)
            made = self._document(purpose, device, now)
            if made is None:
                continue
            document, essence = made
            again = purpose in _REPEATED and self.again_at.get(href, now) <= now
            refused_at = self.refused_at.get(href)
            if refused_at is not None and refused_at < (listing.read_at or refused_at):
                del self.refused_at[href]
                again = True
            if self.told.get(href) == essence and not again:
                continue
            self.told[href] = essence
            if purpose in _REPEATED:
                self.again_at[href] = now + every
                heapq.heappush(self._again, (now + every, href, device.lfdi))
            yield Outgoing(
                key=f"{purpose} {href}",
                purpose=purpose,
                method="PUT",
                href=href,
                body=encode(document, self.setting.flavour).decode(),
            )

    def next_at(self) -> datetime | None:
        """Return when a status is to be told again; None: none is."""
        while self._again:
            at, href, _ = self._again[0]
            if self.again_at.get(href) == at:
                return at
            heapq.heappop(self._again)
        return None

    def waiting(self, now: datetime) -> dict[str, str]:
        """Return href of what is to be told again now -> LFDI of its device; each once."""
        found: dict[str, str] = {}
        while (at := self.next_at()) is not None and at <= now:
            _, href, lfdi = heapq.heappop(self._again)
            found[href] = lfdi
        return found

    def forget(self, hrefs: Iterable[str], now: datetime) -> None:
        """Forget what was due, and nobody told: its device is gone, or stands elsewhere."""
        for href in hrefs:
            if self.again_at.get(href, now) <= now:
                self.again_at.pop(href, None)
                self.told.pop(href, None)

    def refused(self, href: str, now: datetime) -> None:
        """Take that the server refused a document: it is told anew once its list was read again, not before."""
        self.refused_at[href] = now

    def _document(
        self, purpose: Purpose, device: Device, now: datetime
    ) -> tuple[sep.Resource, str] | None:
        """Return a document and what of it counts as a change; None: nothing is known yet."""
        match purpose:
            case Purpose.CAPABILITY:
                found: sep.Resource = self._capability(device)
                return found, repr(found)
            case Purpose.SETTINGS:
                return self._settings(device, now), repr(self._settings(device, None))
            case Purpose.AVAILABILITY:
                available = self._availability(device, now)
                # It moves all the time: what is told at the post rate is enough.
                return None if available is None else (available, "")
            case _:
                return self._status(device, now), repr(self._status(device, None))

    def _availability(self, device: Device, now: datetime) -> sep.DERAvailability | None:
        """Return what could be given: for a load, what it could shed; since 2023 also what more it could draw."""
        kw, draw = self.presence.sheddable(device), self.presence.draw(device)
        if kw is None or draw is None:
            return None
        newer = self.setting.options.edition == "2023"
        rated = self.setting.rating_of(device.sites).charge_kw
        room = scaled_kw(sep.UnsignedActivePower, max(rated - draw, Decimal(0)), Toward.DOWN)
        return sep.DERAvailability(
            availability_duration=self.presence.lasting(device),
            reading_time=self._seconds(now),
            stat_w_absorb_avail=room if newer else None,
            stat_w_avail=scaled_kw(sep.ActivePower, kw, Toward.DOWN),
        )

    def _capability(self, device: Device) -> sep.DERCapability:
        rating = self._rating(device)
        return sep.DERCapability(
            modes_supported=self._modes(),
            rtg_max_charge_rate_w=rating,
            rtg_max_w=rating,
            type=VIRTUAL,
            doe_modes_supported=self._envelopes(),
        )

    def _settings(self, device: Device, now: datetime | None) -> sep.DERSettings:
        rating, told = self._rating(device), gradients(device)
        return sep.DERSettings(
            modes_enabled=self._modes(),
            set_grad_w=NO_LIMIT if told.grad is None else told.grad,
            set_soft_grad_w=told.soft,
            set_max_charge_rate_w=rating,
            set_max_w=rating,
            updated_time=self._seconds(now),
            doe_modes_enabled=self._envelopes(),
        )

    def _status(self, device: Device, now: datetime | None) -> sep.DERStatus:
        at = self._seconds(now)
        cut = self._cut(device)
        return sep.DERStatus(
            alarm_status=self.alarms.status(device),
            gen_connect_status=sep.ConnectStatusType(date_time=at, value=0 if cut else WORKING),
            inverter_status=sep.InverterStatusType(date_time=at, value=0),
            operational_mode_status=sep.OperationalModeStatusType(
                date_time=at, value=self._mode(device, cut=cut)
            ),
            reading_time=at,
        )

    def _mode(self, device: Device, *, cut: bool) -> int:
        if not self.setting.options.csip_aus:
            return OFF if cut else OPERATIONAL
        if cut:
            return DISCONNECTED
        share = self._fixed(device)
        if share is None:
            return OPERATIONAL
        return next((mode for most, mode in _SHARES if share < most), FULL_LOAD)

    def _fixed(self, device: Device) -> Decimal | None:
        """Return the share of the rating that a running opModFixedW asks to be drawn; None: none runs."""
        for base in device.running("opModFixedW"):
            if base.op_mod_fixed_w is not None and base.op_mod_fixed_w <= 0:
                return -Decimal(base.op_mod_fixed_w) / 10_000
        return None

    def _cut(self, device: Device) -> bool:
        """Say whether a running control disconnects the site."""
        return any(base.op_mod_connect is False for base in device.running("opModConnect")) or any(
            base.op_mod_energize is False for base in device.running("opModEnergize")
        )

    def _rating(self, device: Device) -> sep.ActivePower:
        rated = self.setting.rating_of(device.sites).charge_kw
        return scaled_kw(sep.ActivePower, rated, Toward.DOWN)

    def _modes(self) -> int:
        newer = self.setting.options.edition == "2023"
        bits = {bit for bit in CONTROL_BITS.values() if newer or bit < 27}
        return sum(1 << bit for bit in bits | {CHARGE_BIT})

    def _envelopes(self) -> int | None:
        if not self.setting.options.csip_aus:
            return None
        return sum(1 << bit for bit in ENVELOPE_BITS.values())

    def _seconds(self, now: datetime | None) -> int:
        return 0 if now is None else self.setting.clock.seconds(now)
