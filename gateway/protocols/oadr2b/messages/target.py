"""eiTarget: whom an event, a report or an opt concerns."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RawXml:
    """An element that is carried but not interpreted, as exclusive canonical XML."""

    xml: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportInterface:
    """The edge at which energy enters and leaves a transport."""

    point_of_receipt: str
    point_of_delivery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EiTarget:
    """Targets of all kinds; together they mean a union, none at all means the whole VEN.

    Spec: OpenADR 2.0b rules 22, 63 and 111.
    """

    aggregated_pnodes: tuple[str, ...] = ()
    end_device_assets: tuple[str, ...] = ()
    """Device classes."""
    meter_assets: tuple[str, ...] = ()
    pnodes: tuple[str, ...] = ()
    service_areas: tuple[RawXml, ...] = ()
    """``gml:FeatureCollection`` elements, uninterpreted."""
    service_delivery_points: tuple[str, ...] = ()
    service_locations: tuple[RawXml, ...] = ()
    """``gml:FeatureCollection`` elements, uninterpreted."""
    transport_interfaces: tuple[TransportInterface, ...] = ()
    group_ids: tuple[str, ...] = ()
    group_names: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()
    ven_ids: tuple[str, ...] = ()
    party_ids: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether no target of any kind is named."""
        return not any(getattr(self, field.name) for field in fields(self))
