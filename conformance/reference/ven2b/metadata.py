"""The reports that this VEN offers.

Spec: OpenADR 2.0b section 8.3 and rules 312 (duration), 331 (types) and 510 (what every VEN offers).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b.settings import Settings
from conformance.reference.wire2b import lasting, make, message, stamp

METADATA: Final = "METADATA"
NOT_FOR_A_REQUEST: Final = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One report specifier."""

    specifier: str
    name: str
    """Without ``METADATA_``."""
    points: tuple[str, ...]
    status: bool = False
    history: bool = False


OFFERS: Final[Mapping[str, Offer]] = {
    offer.specifier: offer
    for offer in (
        Offer(specifier="usage", name="TELEMETRY_USAGE", points=("power", "energy")),
        Offer(specifier="status", name="TELEMETRY_STATUS", points=("state",), status=True),
        Offer(specifier="history", name="HISTORY_USAGE", points=("energy",), history=True),
    )
}


def power() -> Element:
    """Make the item base of a real power in watts."""
    return make(
        "power:powerReal",
        make("power:itemDescription", "RealPower"),
        make("power:itemUnits", "W"),
        make("scale:siScaleCode", "none"),
        make(
            "power:powerAttributes",
            make("power:hertz", "60"),
            make("power:voltage", "480"),
            make("power:ac", "true"),
        ),
    )


def energy() -> Element:
    """Make the item base of a real energy in watt hours."""
    return make(
        "power:energyReal",
        make("power:itemDescription", "RealEnergy"),
        make("power:itemUnits", "Wh"),
        make("scale:siScaleCode", "none"),
    )


def registering(
    settings: Settings,
    request_id: str,
    ven_id: str,
    now: datetime,
    answers: str = NOT_FOR_A_REQUEST,
) -> Element:
    """Make an oadrRegisterReport with everything on offer.

    Args:
        settings: Of this VEN.
        request_id: Of this message.
        ven_id: Of this VEN.
        now: Time of making.
        answers: reportRequestID of the METADATA request that it answers; ``0`` for none.
    """
    return message(
        "oadr:oadrRegisterReport",
        make("pyld:requestID", request_id),
        *(_offered(offer, settings, now, answers) for offer in OFFERS.values()),
        make("ei:venID", ven_id),
        make("ei:reportRequestID", answers) if answers != NOT_FOR_A_REQUEST else None,
    )


def _offered(offer: Offer, settings: Settings, now: datetime, answers: str) -> Element:
    kept = max(timedelta(minutes=settings.kept_points), settings.slowest_sample)
    return make(
        "oadr:oadrReport",
        lasting("xcal:duration", kept),
        *(_described(offer, point, settings) for point in offer.points),
        make("ei:reportRequestID", answers),
        make("ei:reportSpecifierID", offer.specifier),
        make("ei:reportName", f"METADATA_{offer.name}"),
        stamp(now),
    )


def _described(offer: Offer, point: str, settings: Settings) -> Element:
    unit = None if offer.status else power() if point == "power" else energy()
    sampled = make(
        "oadr:oadrSamplingRate",
        make("oadr:oadrMinPeriod", f"PT{int(settings.fastest_sample.total_seconds())}S"),
        make("oadr:oadrMaxPeriod", f"PT{int(settings.slowest_sample.total_seconds())}S"),
        make("oadr:oadrOnChange", "false"),
    )
    return make(
        "oadr:oadrReportDescription",
        make("ei:rID", point),
        make(
            "ei:reportSubject",
            make("power:endDeviceAsset", make("power:mrid", settings.device_class)),
        ),
        make("ei:reportDataSource", make("ei:resourceID", settings.resource)),
        make("ei:reportType", "x-resourceStatus" if offer.status else "usage"),
        unit,
        make("ei:readingType", "x-notApplicable" if offer.status else "Direct Read"),
        make("emix:marketContext", settings.contexts[0]),
        None if offer.history else sampled,
    )
