"""The tariffs of one device as the engine takes them: each a program, with one list of intervals per RateComponent.

A price stands two links away from its interval, so an interval is handed on once its prices were read; what leads
nowhere leaves it without any. Nothing here keeps the controls of a device waiting.

Spec: IEEE 2030.5-2018 TariffProfile, RateComponent, TimeTariffInterval; Annex C.4-C.6 (where programs are found).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.assigned import Assigned, Unread, members, program_lists
from gateway.protocols.sep2.client.convert import Reader
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.pricing import Quote, Rate, rate_of
from gateway.protocols.sep2.events.codes import FunctionSet
from gateway.protocols.sep2.events.engine import EventEngine
from gateway.protocols.sep2.identity import mrid

LISTS: Final = ("tariff_profile_list_link",)


def tariffs(
    mirror: Mirror, place: Node, device: sep.EndDevice, reader: Reader, engine: EventEngine
) -> tuple[Assigned, ...]:
    """Return the tariffs of a device, one entry for each of their components and at least one.

    Args:
        mirror: What is known of the server.
        place: The list that the device stands in.
        device: As read.
        reader: How this utility is read.
        engine: Knows the tariffs that were assigned before, which stand until the server's lists were read.
    """
    found: list[Assigned] = []
    try:
        for node in program_lists(mirror, place, device, LISTS):
            for member in members(node):
                if isinstance(member, sep.TariffProfile):
                    found += _tariff(mirror, node, member, reader)
    except Unread:
        known = (one for one in engine.programs() if one.function_set is FunctionSet.PRICING)
        return tuple(Assigned(program=one, listing=None) for one in known)
    return tuple(found)


def _tariff(
    mirror: Mirror, node: Node, tariff: sep.TariffProfile, reader: Reader
) -> Iterator[Assigned]:
    try:
        program = reader.tariff(tariff)
    except WireError:
        return  # its mRID is none: nothing that it lists could be answered
    name = tariff.description or tariff.rate_code or ""
    yield Assigned(program=program, listing=None, name=name)
    components = mirror.at(node, tariff, tariff.rate_component_list_link)
    for component in components.members if components is not None else ():
        if components is None or not isinstance(component, sep.RateComponent):
            continue
        listing = mirror.at(components, component, component.time_tariff_interval_list_link)
        kind = mirror.at(components, component, component.reading_type_link)
        if listing is None or listing.read_at is None or kind is None:
            continue
        reading_type = kind.value
        if not isinstance(reading_type, sep.ReadingType):
            continue
        try:
            bears = mrid(component.mrid)
            rate = rate_of(tariff, component, reading_type)
        except WireError:
            continue
        told = _intervals(mirror, listing, listing.read_at, rate)
        if told is None:
            continue
        ready, quotes, as_of = told
        yield Assigned(
            program=program,
            listing=listing,
            name=name,
            component=bears,
            ready=ready,
            quotes=quotes,
            as_of=as_of,
        )


def _intervals(
    mirror: Mirror, listing: Node, read_at: datetime, rate: Rate
) -> tuple[tuple[sep.Resource, ...], dict[str, Quote], datetime] | None:
    """Return the intervals whose prices were read, those prices by mRID, and when the last of it was read.

    None: some prices were not asked for yet. A day of them is handed on at once, and not one by one; those that
    failed once are waited for no longer.
    """
    ready: list[sep.Resource] = []
    quotes: dict[str, Quote] = {}
    as_of = read_at
    for one in listing.members:
        if not isinstance(one, sep.TimeTariffInterval):
            continue
        prices = mirror.at(listing, one, one.consumption_tariff_interval_list_link)
        if prices is not None and prices.read_at is None:
            if not prices.failures:
                return None
            continue
        ready.append(one)
        told = prices.members if prices is not None else ()
        blocks = tuple(b for b in told if isinstance(b, sep.ConsumptionTariffInterval))
        quotes[one.mrid] = Quote(rate=rate, blocks=blocks)
        if prices is not None and prices.read_at is not None:
            as_of = max(as_of, prices.read_at)
    return tuple(ready), quotes, as_of
