"""A world whose server offers all that a device may say of itself, and whose meters say what a test tells them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.domain.names import MeterId, SiteId
from gateway.domain.reading import Quality, Reading
from gateway.protocols.actions import Collect, Readings
from gateway.protocols.entry import SiteTerms
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from tests.sep2_world import Server, World, scope, utility

TERMS = SiteTerms(
    site=SiteId("phx-1"),
    meter=MeterId("it_load"),
    contracted_import_kw=Decimal(10_000),
    lowest_import_kw=Decimal(3_000),
    longest_event=timedelta(hours=4),
)


def furnished(**program: object) -> Server:
    """Make a server that offers everything of this page; ``program``: fields of the demand response program."""
    server = utility()
    (entry,) = server.resources["/edev"].end_device  # type: ignore[attr-defined] # a list
    server.put(
        "/edev",
        [
            replace(
                entry,
                device_information_link=sep.Link(href="/edev/1/di"),
                power_status_link=sep.Link(href="/edev/1/ps"),
                connection_point_link=sep.Link(href="/edev/1/cp"),
                log_event_list_link=sep.ListLink(href="/edev/1/lel", all=0),
                load_shed_availability_list_link=sep.ListLink(href="/edev/1/lsl", all=0),
                post_rate=300,
            )
        ],
    )
    (der,) = server.resources["/edev/1/der"].der  # type: ignore[attr-defined] # a list
    availability = sep.Link(href="/edev/1/der/1/dera")
    server.put("/edev/1/der", [replace(der, der_availability_link=availability)])
    (one,) = server.resources["/dr"].demand_response_program  # type: ignore[attr-defined] # a list
    server.put("/dr", [replace(one, **program)])
    return server


def draws(kw: Callable[[datetime], Decimal | None]) -> Callable[[Collect], Readings]:
    """Meter what a function says for the beginning of each interval; None: nothing."""

    def metered(wanted: Collect) -> Readings:
        value, start = kw(wanted.span.start), wanted.span.start
        hours = Decimal(int(wanted.step.total_seconds())) / 3600
        one = Reading(
            meter=MeterId("it_load"),
            start=start,
            duration=wanted.step,
            energy_kwh=(value or Decimal(0)) * hours,
            quality=Quality.ACTUAL,
        )
        key = wanted.meters[0]
        return Readings(key=wanted.key, series={key: () if value is None else (one,)})

    return metered


def opened(server: Server, kw: Decimal = Decimal(8_000), **options: object) -> World:
    told = Sep2Options(csip_aus=True, pin=111115, **options)
    made = World(server, told, scope(site_terms=(TERMS,), software="gridgate 1.2"))
    made.metered = draws(lambda _: kw)
    return made
