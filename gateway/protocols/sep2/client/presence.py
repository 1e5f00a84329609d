"""What a device says of itself beside its DER: what it is, how it is fed, where it is connected, what it could shed.

What it draws is the mean of the last post interval at the contract meters; what it could shed is that, less what the
operator lets its sites be driven down to (the envelope's ``lowest_kw``, else the fail-safe). Where either is not known,
nothing is said: an availability is a promise.

Spec: IEEE 2030.5-2018 DeviceInformation, PowerStatus, LoadShedAvailability; CSIP-AUS ALL-03.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import partial
from typing import Final
from urllib.parse import urljoin

from pydantic import TypeAdapter

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Outgoing, Purpose, plain, value_of
from gateway.protocols.sep2.client.tell import Settled
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.enums_device import BatteryStatus, PowerSource
from gateway.protocols.sep2.quantities import Toward, amount_kw, scaled_kw

AGAIN_AFTER: Final = timedelta(days=1)
"""After a server has refused a document of this kind."""
MODEL: Final = "gridgate"
FUNCTIONS: Final = sum(1 << bit for bit in (2, 3, 5, 6, 7, 8, 10, 13, 14, 20))
"""functionsImplemented: EndDevice, FSA, Response, Time, information, power, log, DRLC, metering, DER control."""
WHOLE: Final = 10_000
"""Hundredths of a percent that make one."""
_GONE: Final = frozenset({404, 405, 410, 501})
_PREFIX: Final = "shed "
_WATT: Final = Decimal("0.001")
"""In kilowatts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shed:
    """What one program was told last that a device could shed."""

    program: str
    """mRID."""
    kw: Decimal
    share: int
    """Hundredths of a percent of the draw."""
    href: str = ""
    """Where the server keeps it; empty: it has not answered yet, or keeps it nowhere."""


_STORED: Final = TypeAdapter(tuple[Shed, ...])


@dataclass(slots=True, kw_only=True)
class Presence:
    """The resources of every device of one session that are neither DER nor mirror.

    Args:
        setting: The utility.
    """

    setting: Setting
    drawn: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    """LFDI -> contract meter -> mean of its last post interval, kW."""
    _told: dict[str, str] = field(default_factory=dict)
    """href -> what stands there by our own hand, apart from its times."""
    _refused: dict[str, datetime] = field(default_factory=dict)
    _shed: dict[str, dict[str, Shed]] = field(default_factory=dict)

    def recall(self, device: Device) -> None:
        """Take what is stored of a device; from now on it is kept."""
        found = self.setting.parts.found(_PREFIX + device.lfdi)
        if found is not None:
            known = value_of(_STORED, found)
            self._shed[device.lfdi] = {one.program: one for one in known}
        self.setting.parts.keep(_PREFIX + device.lfdi, partial(self._document, device.lfdi))

    def _document(self, lfdi: str) -> object:
        known = self._shed.get(lfdi)
        return plain(_STORED, tuple(known.values())) if known else None

    # --- what is known of the load

    def metered(self, device: Device, meter: str, kw: Decimal) -> None:
        """Take what a contract meter drew."""
        self.drawn.setdefault(device.lfdi, {})[meter] = kw.quantize(_WATT)

    def draw(self, device: Device) -> Decimal | None:
        """Return what the sites of a device draw, kW; None: not all of them were metered since the start."""
        known, terms = self.drawn.get(device.lfdi, {}), self.setting.site_terms(device.sites)
        found = [known.get(f"{one.site}/{one.meter}") for one in terms]
        values = [kw for kw in found if kw is not None]
        return sum(values, Decimal(0)) if values and len(values) == len(found) else None

    def sheddable(self, device: Device) -> Decimal | None:
        """Return what a device could shed now, kW; None: nobody has said how far its sites may be driven down."""
        draw, terms = self.draw(device), self.setting.site_terms(device.sites)
        floors = [one.lowest_import_kw for one in terms if one.lowest_import_kw is not None]
        if draw is None or len(floors) < len(terms):
            return None
        return max(draw - sum(floors, Decimal(0)), Decimal(0))

    def lasting(self, device: Device) -> int | None:
        """Return for how many seconds a device could keep that up; None: nobody has said."""
        found = [
            one.longest_event
            for one in self.setting.site_terms(device.sites)
            if one.longest_event is not None
        ]
        return int(min(found).total_seconds()) if found else None

    # --- what is told

    def due(
        self, device: Device, place: Node, endpoint: sep.EndDevice, mirror: Mirror, now: datetime
    ) -> Iterator[Outgoing]:
        """Yield what is to be told of one device now; the arguments are those of ``Reporting.due``."""
        if not device.ready:
            return
        where = partial(mirror.resolved, place, endpoint)
        if endpoint.device_information_link is not None:
            found: sep.Resource = self._information(device, now)
            essence = repr(self._information(device, None))
            href = where(endpoint.device_information_link)
            yield from self._put(Purpose.INFORMATION, href, found, essence, now)
        # Of very many devices none says that it knows nothing.
        known = not device.managed or self.draw(device) is not None
        if endpoint.power_status_link is not None and known:
            found = self._power(device, now)
            essence = repr(self._power(device, None))
            href = where(endpoint.power_status_link)
            yield from self._put(Purpose.POWER, href, found, essence, now)
        if endpoint.connection_point_link is not None:
            yield from self._connection(device, where(endpoint.connection_point_link), mirror, now)

    def _put(
        self, purpose: Purpose, href: str, found: sep.Resource, essence: str, now: datetime
    ) -> Iterator[Outgoing]:
        refused_at = self._refused.get(href)
        waits = refused_at is not None and now < refused_at + AGAIN_AFTER
        if waits or (refused_at is None and self._told.get(href) == essence):
            return
        self._refused.pop(href, None)
        self._told[href] = essence
        yield Outgoing(
            key=f"{purpose} {href}",
            purpose=purpose,
            method="PUT",
            href=href,
            body=encode(found, self.setting.flavour).decode(),
        )

    def _information(self, device: Device, now: datetime | None) -> sep.DeviceInformation:
        return sep.DeviceInformation(
            functions_implemented=FUNCTIONS,
            lfdi=device.lfdi,
            mf_date=0,
            mf_hw_ver="",
            mf_id=self.setting.options.pen,
            mf_model=MODEL,
            mf_ser_num=str(device.sfdi),
            primary_power=PowerSource.MAINS,
            secondary_power=PowerSource.UNKNOWN,
            sw_act_time=self._seconds(now),
            sw_ver=self.setting.scope.software[:32],
        )

    def _power(self, device: Device, now: datetime | None) -> sep.PowerStatus:
        draw = self.draw(device)
        fed = draw is not None and draw > 0
        return sep.PowerStatus(
            battery_status=BatteryStatus.NONE,
            changed_time=self._seconds(now),
            current_power_source=PowerSource.MAINS if fed else PowerSource.UNKNOWN,
        )

    def _connection(
        self, device: Device, href: str, mirror: Mirror, now: datetime
    ) -> Iterator[Outgoing]:
        """Tell where the device is connected (CSIP-AUS: its NMI), unless the server knows it already."""
        wanted = device.connection_point
        node = mirror.nodes.get(href)
        if node is not None and node.value is None:
            return  # not read yet
        known = node.value if node is not None else None
        there = known.connection_point_id if isinstance(known, sep.ConnectionPoint) else ""
        if wanted and there != wanted and self.setting.options.csip_aus:
            found = sep.ConnectionPoint(connection_point_id=wanted)
            yield from self._put(Purpose.CONNECTION, href, found, f"{wanted} not {there}", now)

    # --- what could be shed

    def shed(
        self, device: Device, place: Node, endpoint: sep.EndDevice, mirror: Mirror, now: datetime
    ) -> Iterator[Outgoing]:
        """Tell each program what could be shed: once, and whenever it moved by more than the program's threshold.

        A program without thresholds is told nothing; each threshold stands for its own value. Until the server has
        taken one document, the outbox lets no other of its key in; what was taken is what the next one is held against.
        """
        kw, draw = self.sheddable(device), self.draw(device)
        link = endpoint.load_shed_availability_list_link
        if kw is None or not draw or link is None or not device.ready:
            return
        href = mirror.resolved(place, endpoint, link)
        share = int((kw / draw * WHOLE).quantize(Decimal(1), ROUND_DOWN))
        known = self._shed.get(device.lfdi, {})
        for mrid, (program, program_href) in device.known.dr_programs.items():
            power, percent = _thresholds(program)
            old = known.get(mrid)
            moved = old is None or (
                (power is not None and abs(kw - old.kw) > power)
                or (percent is not None and abs(share - old.share) > percent)
            )
            refused_at = self._refused.get(f"{Purpose.SHED} {device.lfdi} {mrid}")
            waits = refused_at is not None and now < refused_at + AGAIN_AFTER
            if (power is None and percent is None) or not moved or waits:
                continue
            there = old.href if old else ""
            document = sep.LoadShedAvailability(
                availability_duration=self.lasting(device),
                demand_response_program_link=sep.Link(href=program_href),
                sheddable_percent=None if percent is None else share,
                sheddable_power=None
                if power is None
                else scaled_kw(sep.ActivePower, kw, Toward.DOWN),
            )
            yield Outgoing(
                key=f"{Purpose.SHED} {device.lfdi} {mrid}",
                purpose=Purpose.SHED,
                method="PUT" if there else "POST",
                href=there or href,
                body=encode(document, self.setting.flavour).decode(),
                subject=f"{device.lfdi} {mrid} {kw} {share}",
            )

    # --- what became of it

    def settled(self, settled: Settled, now: datetime) -> None:
        """Take what became of a document of this kind."""
        one, taken = settled.outgoing, settled.taken
        if one.purpose is not Purpose.SHED:
            if not taken:
                self._refused[one.href] = now
            return
        lfdi, mrid, kw, share = one.subject.split()
        known = self._shed.setdefault(lfdi, {})
        if taken:
            where = urljoin(one.href, settled.location) if settled.location else ""
            href = where if one.method == "POST" else one.href
            known[mrid] = Shed(program=mrid, kw=Decimal(kw), share=int(share), href=href)
        elif one.method == "PUT" and settled.status in _GONE:
            known.pop(mrid, None)  # it is told anew, to the list
        else:
            self._refused[one.key] = now
        self.setting.parts.touch(_PREFIX + lfdi)

    def _seconds(self, now: datetime | None) -> int:
        return 0 if now is None else self.setting.clock.seconds(now)


def _thresholds(program: sep.DemandResponseProgram) -> tuple[Decimal | None, int | None]:
    """Return how far power and percentage have to move to be told again; None: that value is not asked for."""
    power = program.availability_update_power_change_threshold
    percent = program.availability_update_percent_change_threshold
    try:
        kw = None if power is None else amount_kw(power)
    except WireError:
        kw = None
    return (kw if kw is not None and kw > 0 else None), percent or None
