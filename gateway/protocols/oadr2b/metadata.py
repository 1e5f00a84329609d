"""The reports a VEN offers: one data point per meter and quantity, and one status per site.

Spec: OpenADR 2.0b section 8.3.2.1; rules 312, 331, 510.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.canonical import digest
from gateway.domain.names import SiteId
from gateway.domain.quantity import plain
from gateway.domain.timespan import duration_text
from gateway.protocols.entry import MeterPoint, Scope
from gateway.protocols.oadr2b.messages import (
    EiTarget,
    ItemBase,
    OadrReport,
    OadrReportDescription,
    OadrSamplingRate,
    PowerAttributes,
)
from gateway.protocols.oadr2b.options import VenOptions

UNREQUESTED: Final = "0"
"""reportRequestID of metadata that nobody asked for."""


class Quantity(StrEnum):
    """What a data point tells."""

    POWER = "power"
    ENERGY = "energy"
    STATUS = "status"


class ReportName(StrEnum):
    """The reports offered, without ``METADATA_``."""

    USAGE = "TELEMETRY_USAGE"
    STATUS = "TELEMETRY_STATUS"
    HISTORY = "HISTORY_USAGE"


NOT_APPLICABLE: Final = "x-notApplicable"
_ITEMS: Final = {
    Quantity.POWER: "powerReal",
    Quantity.ENERGY: "energyReal",
    Quantity.STATUS: "",
}
_SPECIFIERS: Final = {
    ReportName.USAGE: "telemetry-usage",
    ReportName.STATUS: "telemetry-status",
    ReportName.HISTORY: "history-usage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPoint:
    """One rID."""

    r_id: str
    quantity: Quantity
    site: SiteId
    meters: tuple[MeterPoint, ...]
    """The meter measured; all meters of the site for a status."""

    @property
    def interval(self) -> timedelta:
        """Return the shortest length of one value: a whole number of readings of every meter."""
        return common_interval(self.meters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One report offered."""

    specifier_id: str
    name: ReportName
    points: Mapping[str, DataPoint]
    """rID -> data point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Everything offered, by reportSpecifierID."""

    by_specifier: Mapping[str, Offer]
    options: VenOptions
    digest: str
    """Changes when the offer does; asked for at every door."""

    @classmethod
    def of(cls, scope: Scope, options: VenOptions) -> "Offers":
        """Build the offer from the meters that the configuration names."""
        usage = {
            point.r_id: point
            for meter in scope.points
            for quantity in (Quantity.POWER, Quantity.ENERGY)
            for point in [_point(f"{meter.site}.{meter.meter}", quantity, (meter,))]
        }
        sites = dict.fromkeys(meter.site for meter in scope.points)
        status = {
            point.r_id: point
            for site in sites
            for meters in [tuple(meter for meter in scope.points if meter.site == site)]
            for point in [_point(str(site), Quantity.STATUS, meters)]
        }
        wanted = {ReportName.USAGE: usage, ReportName.STATUS: status}
        if options.history:
            wanted[ReportName.HISTORY] = usage
        offers = [
            Offer(specifier_id=_SPECIFIERS[name], name=name, points=points)
            for name, points in wanted.items()
            if points
        ]
        told = digest(
            [
                [offer.specifier_id, point.r_id, duration_text(point.interval)]
                for offer in offers
                for point in offer.points.values()
            ]
            + [[duration_text(options.report_buffer), options.device_class]]
            + [[duration_text(options.sampling_longest), plain(options.power_voltage)], ["change"]]
        )
        by_specifier = {offer.specifier_id: offer for offer in offers}
        return cls(by_specifier=by_specifier, options=options, digest=told)

    def reports(self, now: datetime, report_request_id: str = UNREQUESTED) -> list[OadrReport]:
        """Write the metadata reports.

        Args:
            now: createdDateTime.
            report_request_id: Of the request for metadata that is answered; ``0`` when unasked.
        """
        return [
            OadrReport(
                duration=self.options.report_buffer,
                oadr_report_descriptions=tuple(
                    self._description(offer, point) for point in offer.points.values()
                ),
                report_request_id=report_request_id,
                report_specifier_id=offer.specifier_id,
                report_name=f"METADATA_{offer.name}",
                created_date_time=now,
            )
            for offer in self.by_specifier.values()
        ]

    def _description(self, offer: Offer, point: DataPoint) -> OadrReportDescription:
        is_status = point.quantity is Quantity.STATUS
        meters = () if is_status else tuple(str(meter.meter) for meter in point.meters)
        return OadrReportDescription(
            r_id=point.r_id,
            report_subject=EiTarget(end_device_assets=(self.options.device_class,)),
            report_data_source=EiTarget(
                meter_assets=meters, resource_ids=(self.resource_of(point.site),)
            ),
            report_type="x-resourceStatus" if is_status else "usage",
            item_base=self._item(point.quantity),
            reading_type=reading_type(point),
            oadr_sampling_rate=None
            if offer.name is ReportName.HISTORY
            else OadrSamplingRate(
                oadr_min_period=point.interval,
                oadr_max_period=self.longest(point),
                oadr_on_change=True,
            ),
        )

    def longest(self, point: DataPoint) -> timedelta:
        """Return oadrMaxPeriod: never below the shortest, never above the buffer (rule 312)."""
        return max(point.interval, min(self.options.sampling_longest, self.options.report_buffer))

    def resource_of(self, site: SiteId) -> str:
        """Return the resourceID under which the VTN knows a site."""
        named = {site: resource for resource, site in self.options.resources.items()}
        return named.get(site, site)

    def _item(self, quantity: Quantity) -> ItemBase | None:
        if quantity is Quantity.STATUS:
            return None
        if quantity is Quantity.ENERGY:
            return ItemBase(
                name="energyReal",
                item_description="RealEnergy",
                item_units="Wh",
                si_scale_code="k",
            )
        return ItemBase(
            name="powerReal",
            item_description="RealPower",
            item_units="W",
            si_scale_code="k",
            power_attributes=PowerAttributes(
                hertz=self.options.power_hertz, voltage=self.options.power_voltage, ac=True
            ),
        )


def reading_type(point: DataPoint) -> str:
    """Return the readingType that a data point is offered with (rule 331)."""
    return NOT_APPLICABLE if point.quantity is Quantity.STATUS else "Direct Read"


def item_name(point: DataPoint) -> str:
    """Return the name of the itemBase that a data point is offered in; empty for a status."""
    return _ITEMS[point.quantity]


def _point(stem: str, quantity: Quantity, meters: tuple[MeterPoint, ...]) -> DataPoint:
    return DataPoint(
        r_id=f"{stem}.{quantity}", quantity=quantity, site=meters[0].site, meters=meters
    )


def common_interval(meters: tuple[MeterPoint, ...]) -> timedelta:
    """Return the shortest length that is a whole number of readings of every meter."""
    seconds = [max(1, meter.interval // timedelta(seconds=1)) for meter in meters]
    return timedelta(seconds=math.lcm(*seconds))
