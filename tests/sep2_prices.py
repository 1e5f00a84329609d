"""A tariff at the small server of the tests: two components, intervals with prices two links away."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.protocols.sep2._generated import model as sep
from tests.sep2_world import START, Server, listing, mrid, seconds, status

ENERGY = sep.ReadingType(href="/tp/1/rc/1/rt", uom=72, power_of_ten_multiplier=3, flow_direction=1)
EXPORT = replace(ENERGY, href="/tp/1/rc/2/rt", flow_direction=19)


def tariff(**others: object) -> sep.TariffProfile:
    """Make a tariff in thousandths of US dollars."""
    told: dict[str, object] = {
        "href": "/tp/1",
        "mrid": mrid(6001),
        "description": "site program",
        "currency": 840,
        "price_power_of_ten_multiplier": -3,
        "primacy": 1,
        "rate_component_list_link": sep.ListLink(href="/tp/1/rc", all=2),
        "service_category_kind": 0,
        **others,
    }
    return sep.TariffProfile(**told)  # type: ignore[arg-type] # by name


def component(number: int) -> sep.RateComponent:
    """Make a rate component."""
    return sep.RateComponent(
        href=f"/tp/1/rc/{number}",
        mrid=mrid(6100 + number),
        reading_type_link=sep.Link(href=f"/tp/1/rc/{number}/rt"),
        role_flags=2,
        time_tariff_interval_list_link=sep.ListLink(href=f"/tp/1/rc/{number}/tti", all=0),
    )


def price(
    server: Server, number: int, start: datetime, minutes: int, *prices: int, **others: object
) -> sep.TimeTariffInterval:
    """Make an interval of the first component; each price begins a block of 500 kWh."""
    href = f"/tp/1/rc/1/tti/{number}"
    blocks(server, number, prices)
    told: dict[str, object] = {
        "href": href,
        "mrid": mrid(number),
        "creation_time": seconds(START) - 3600,
        "event_status": status(0, START),
        "interval": sep.DateTimeInterval(start=seconds(start), duration=minutes * 60),
        "consumption_tariff_interval_list_link": sep.ListLink(href=f"{href}/cti", all=len(prices)),
        "tou_tier": 1,
        "reply_to": "/rsp",
        "response_required": 3,
        **others,
    }
    return sep.TimeTariffInterval(**told)  # type: ignore[arg-type] # by name


def blocks(server: Server, number: int, prices: Sequence[int]) -> None:
    """Let prices stand below an interval."""
    href = f"/tp/1/rc/1/tti/{number}/cti"
    server.resources[href] = listing(sep.ConsumptionTariffIntervalList, href)
    server.put(
        href,
        [
            sep.ConsumptionTariffInterval(
                href=f"{href}/{place}",
                consumption_block=place,
                price=told,
                start_value=500 * place,
            )
            for place, told in enumerate(prices)
        ],
    )


def furnish(server: Server, rate: int = 60, **others: object) -> None:
    """Add the tariff to the server's one assignment."""
    for one in (
        listing(sep.TariffProfileList, "/tp", poll_rate=rate),
        listing(sep.RateComponentList, "/tp/1/rc"),
        listing(sep.TimeTariffIntervalList, "/tp/1/rc/1/tti"),
        listing(sep.TimeTariffIntervalList, "/tp/1/rc/2/tti"),
        ENERGY,
        EXPORT,
    ):
        server.resources[one.href or ""] = one
    server.put("/tp", [tariff(**others)])
    server.put("/tp/1/rc", [component(1), component(2)])
    fsa = server.resources["/edev/1/fsa"].function_set_assignments[0]  # type: ignore[attr-defined] # of the list
    server.put(
        "/edev/1/fsa", [replace(fsa, tariff_profile_list_link=sep.ListLink(href="/tp", all=1))]
    )
