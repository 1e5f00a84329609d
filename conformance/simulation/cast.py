"""Who plays: one utility's program, up to three sites, and the settings that every day shares."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.intent import FailSafe
from gateway.domain.names import MeterId, SiteId, UtilityName
from gateway.domain.program import Program
from gateway.domain.site import Meter, Site
from gateway.intents.derive import Terms
from gateway.protocols.entry import MeterPoint, ProgramTerms, Scope

UTILITY: Final = UtilityName("sim")
CONTEXT: Final = "http://sim.example/dr"
METERED: Final = timedelta(minutes=15)
OPT_BY: Final = timedelta(minutes=3)
SETTLE_AFTER: Final = timedelta(minutes=10)
TERMS: Final = Terms(
    lease_s=60,
    heartbeat_s=15,
    fail_safe=FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60),
)


def site(name: str) -> Site:
    """Return a site of 120 kW."""
    return Site(
        site=SiteId(name),
        timezone="America/New_York",
        contracted_import_kw=Decimal(120),
        fail_safe_import_kw=None,
        ramp_down_kw_per_min=Decimal(10),
        ramp_up_kw_per_min=Decimal(6),
        meters=(Meter(meter=MeterId("poc"), interval=METERED, max_kw=Decimal(300)),),
        contract_meter=MeterId("poc"),
    )


def program(names: tuple[str, ...]) -> Program:
    """Return the program that all sites take part in."""
    return Program(
        utility=UTILITY,
        name=CONTEXT,
        sites=tuple(SiteId(name) for name in names),
        opt_by=OPT_BY,
        settlement_interval=METERED,
        settle_after=SETTLE_AFTER,
    )


def scope(names: tuple[str, ...]) -> Scope:
    """Return what the session is told of it."""
    sites = tuple(SiteId(name) for name in names)
    return Scope(
        utility=UTILITY,
        programs=(ProgramTerms(name=CONTEXT, sites=sites),),
        points=tuple(
            MeterPoint(site=each, meter=MeterId("poc"), interval=METERED) for each in sites
        ),
    )
