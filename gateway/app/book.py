"""Settings -> the values that the pipeline works with."""

from gateway.config.load import Loaded
from gateway.config.settings import ProgramSection, SiteSection, SouthboundSection
from gateway.domain.intent import FailSafe
from gateway.domain.names import MeterId, SiteId, UtilityName
from gateway.domain.program import Program, Window
from gateway.domain.site import Meter, Site
from gateway.intents.derive import Terms
from gateway.pipeline.book import Book


def make_book(loaded: Loaded, *, installation_key: bytes, source: str, software: str) -> Book:
    """Translate a checked configuration."""
    settings = loaded.settings
    sites = {SiteId(section.id): _site(section) for section in settings.site}
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
    )


def _site(section: SiteSection) -> Site:
    return Site(
        site=SiteId(section.id),
        timezone=section.timezone,
        contracted_import_kw=section.contracted_import_kw,
        fail_safe_import_kw=section.fail_safe_import_kw,
        ramp_down_kw_per_min=section.ramp_down_kw_per_min,
        ramp_up_kw_per_min=section.ramp_up_kw_per_min,
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
