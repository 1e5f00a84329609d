"""Settings -> the values that the pipeline works with."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from gateway.config.load import Loaded
from gateway.config.settings import GuardSection, ProgramSection, SiteSection, SouthboundSection
from gateway.domain.guard import Guard, Outside, Rule
from gateway.domain.intent import FailSafe
from gateway.domain.names import MeterId, SiteId, UtilityName
from gateway.domain.program import Program, Window
from gateway.domain.site import Meter, Site
from gateway.intents.derive import Terms
from gateway.pipeline.book import Book

_SHARE: Final = Decimal("0.001")


def make_book(loaded: Loaded, *, installation_key: bytes, source: str, software: str) -> Book:
    """Translate a checked configuration."""
    settings = loaded.settings
    fleet = settings.gateway.fleet_kw_per_min
    whole = sum((section.contracted_import_kw for section in settings.site), Decimal(0))
    sites = {SiteId(s.id): _site(s, _share(s, whole, fleet)) for s in settings.site}
    programs = [_program(section) for section in settings.program]
    return Book(
        sites=sites,
        programs={(program.utility, program.name): program for program in programs},
        terms={SiteId(s.id): _terms(s, settings.southbound) for s in settings.site},
        installation_key=installation_key,
        source=source,
        software=software,
        simulated=any(section.simulated for section in settings.site),
        test_mode=settings.gateway.test_mode,
        fleet_kw_per_min=fleet,
    )


def _share(section: SiteSection, whole_kw: Decimal, fleet: Decimal | None) -> Decimal | None:
    """Return a site's fixed share of the fleet's limit: load comes back as fast as that, whoever else comes back."""
    if fleet is None or not whole_kw:
        return None
    share = fleet * section.contracted_import_kw / whole_kw
    return max(share.quantize(_SHARE, ROUND_DOWN), _SHARE)


def _slowest(*rates: Decimal | None) -> Decimal:
    return min(rate for rate in rates if rate is not None)


def _guard(section: SiteSection, fleet: Decimal | None) -> Guard | None:
    """Return the site's envelope; a limit over all sites needs one at every site."""
    given = section.guard or (GuardSection() if fleet is not None else None)
    if given is None:
        return None
    actions: dict[Rule, Outside] = {
        rule: Outside(given.action) for rule in Rule if rule is not Rule.FLEET
    }
    actions |= {Rule(name): Outside(word) for name, word in given.actions.items()}
    highest = given.highest_import_kw
    return Guard(
        lowest_kw=given.lowest_import_kw,
        highest_kw=section.contracted_import_kw if highest is None else highest,
        ramp_kw_per_min=given.ramp_kw_per_min,
        events_per_hour=given.events_per_hour,
        events_per_day=given.events_per_day,
        reversals_per_hour=given.reversals_per_hour,
        reversals_per_day=given.reversals_per_day,
        min_hold=given.min_hold,
        longest_event=given.longest_event,
        re_arm=given.re_arm,
        actions=actions,
    )


def _site(section: SiteSection, share: Decimal | None) -> Site:
    guard = _guard(section, share)
    ramp = guard.ramp_kw_per_min if guard else None
    return Site(
        site=SiteId(section.id),
        timezone=section.timezone,
        contracted_import_kw=section.contracted_import_kw,
        fail_safe_import_kw=section.fail_safe_import_kw,
        ramp_down_kw_per_min=_slowest(section.ramp_down_kw_per_min, ramp),
        ramp_up_kw_per_min=_slowest(section.ramp_up_kw_per_min, ramp, share),
        meters=tuple(
            Meter(
                meter=MeterId(meter.id),
                interval=meter.interval,
                max_kw=meter.max_kw,
                bidirectional=meter.bidirectional,
            )
            for meter in section.meter
        ),
        contract_meter=MeterId(section.contract_meter),
        guard=guard,
    )


def _program(section: ProgramSection) -> Program:
    return Program(
        utility=UtilityName(section.utility),
        name=section.name,
        sites=tuple(SiteId(site) for site in section.sites),
        firmness=section.firmness,
        opt_by=section.opt_by,
        opt_default=section.opt_default,
        partial_policy=section.partial_policy,
        levels={int(level): share for level, share in section.levels.items()},
        actuate_tests=section.actuate_tests,
        baseline_method=section.baseline_method,
        baseline_windows=tuple(
            Window(anchor=w.anchor, from_min=w.from_min, to_min=w.to_min)
            for w in section.baseline_window
        ),
        settlement_interval=section.settlement_interval,
        settle_after=section.settle_after,
        correct_within=section.correct_within,
        price_per_kwh=section.price_per_kwh,
        penalty_per_kwh=section.penalty_per_kwh,
        currency=section.currency,
    )


def _terms(site: SiteSection, southbound: SouthboundSection) -> Terms:
    fail_safe = FailSafe(
        on_lease_loss="hold_last" if site.fail_safe_import_kw is None else "apply_default",
        default_import_max_kw=site.fail_safe_import_kw,
        lease_s=southbound.lease_s,
        ramp_kw_per_min=site.ramp_down_kw_per_min,
    )
    return Terms(
        lease_s=southbound.lease_s, heartbeat_s=southbound.heartbeat_s, fail_safe=fail_safe
    )
