"""What contradicts itself in a configuration whose sections are each in order, or points at nothing."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Final

from pydantic import ValidationError

from gateway.baselines.registry import METHODS
from gateway.config.draft import Draft
from gateway.config.endpoints import endpoints, unreadable
from gateway.config.fixes import Place, fix
from gateway.config.notify import notify_faults
from gateway.config.push import push_faults
from gateway.config.settings import (
    ProgramSection,
    Section,
    SiteSection,
    SouthboundSection,
    UtilitySection,
)
from gateway.domain.errors import Fault, WireError
from gateway.domain.protocol import SEP2_FAMILY
from gateway.domain.quantity import plain
from gateway.domain.timespan import duration_text
from gateway.intents.drive import LONGEST_RAMP
from gateway.protocols.oadr2b.identity import same_fingerprint
from gateway.protocols.sep2.discovery import service_of
from gateway.protocols.sep2.pinning import is_pin
from gateway.transport.profiles import PROFILES_OF

Found = Iterator[tuple[Place, str]]
"""(key, what is wrong and the fix)."""

_HALF: Final = "is missing; certificate and key belong together"
_BARE: Final = "is missing; https to a utility needs certificate, key and ca"
_LEVEL: Final = re.compile(r"0|-?[1-9][0-9]{0,2}")


def contradictions(draft: Draft) -> Found:
    """Yield every contradiction; what stands on a key with a fault of its own is left out."""
    for check in _checks(draft):
        # The draft lacks what could not be read: each check ends at the first such thing.
        with contextlib.suppress(AttributeError):
            yield from check


def _checks(draft: Draft) -> Iterator[Found]:
    southbound = draft.southbound
    yield _data_dir(draft)
    yield _pair(southbound)
    yield _plain(southbound)
    yield _lease(southbound)
    yield _files(("southbound",), southbound, ("certificate", "key"), draft)
    yield _doubles("site", "id", draft.site_names)
    yield _doubles("utility", "name", draft.utility_names)
    for index, site in enumerate(draft.sites):
        at: Place = ("site", index)
        yield from (_meters(at, site), _plausible(at, site), _fail_safe(at, site))
        yield from (_envelope(at, site), _reach(at, site, draft))
        yield from endpoints(index, draft)
    for index, utility in enumerate(draft.utilities):
        at = ("utility", index)
        yield from (_plain_utility(at, utility, draft), _identity(at, utility))
        yield from (_unpinned(at, utility), _fingerprint(at, utility), _profile(at, utility))
        yield _discovered(at, utility)
        yield _files(at, utility, ("certificate", "key", "ca"), draft)
    yield from push_faults(draft)
    yield from notify_faults(draft)
    for index, program in enumerate(draft.programs):
        at = ("program", index)
        yield from (_owner(at, program, draft), _same_program(index, program, draft))
        yield from (_levels(at, program), _sites(at, program, draft))
        yield from (_windows(at, program), _edges(at, program))
        for site in _sites_of(program, draft):
            yield from (_silence(at, program, site), _metering(at, program, site))


def _doubles(section: str, key: str, names: Sequence[str | None]) -> Found:
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            yield (section, index, key), f"{name!r} stands twice; choose another"


def _data_dir(draft: Draft) -> Found:
    folder = draft.path(draft.gateway.data_dir)
    try:
        usable = folder.is_dir() or not os.path.lexists(folder)
    except (OSError, ValueError):
        usable = False
    if not usable:
        yield ("gateway", "data_dir"), f"is no folder: {folder}; name one that may be made"


def _pair(southbound: SouthboundSection) -> Found:
    if (southbound.certificate is None) != (southbound.key is None):
        missing = "certificate" if southbound.certificate is None else "key"
        yield ("southbound", missing), Fault(_HALF, reason="MISSING_KEY")


def _plain(southbound: SouthboundSection) -> Found:
    if southbound.certificate is None and not southbound.loopback:
        yield ("southbound", "host"), "plain HTTP only on loopback; give certificate and key"


def _lease(southbound: SouthboundSection) -> Found:
    least = 2 * southbound.heartbeat_s
    if southbound.lease_s < least:
        what = f"must be at least two heartbeats long; make it {least} or more"
        yield ("southbound", "lease_s"), what


def _meters(at: Place, site: SiteSection) -> Found:
    meters = [meter.id for meter in site.meter]
    for k, name in enumerate(meters):
        if name in meters[:k]:
            yield (*at, "meter", k, "id"), f"{name!r} stands twice; choose another"
    if site.contract_meter not in meters:
        yield (*at, "contract_meter"), f"no such meter; this site has {', '.join(meters)}"


def _plausible(at: Place, site: SiteSection) -> Found:
    for k, meter in enumerate(site.meter):
        if meter.id == site.contract_meter and meter.max_kw < site.contracted_import_kw:
            what = "lies below contracted_import_kw: what is allowed would count as implausible"
            yield (*at, "meter", k, "max_kw"), f"{what}; raise it"


def _fail_safe(at: Place, site: SiteSection) -> Found:
    fail_safe = site.fail_safe_import_kw
    if fail_safe is not None and fail_safe > site.contracted_import_kw:
        yield (*at, "fail_safe_import_kw"), "lies above contracted_import_kw; lower it"


def _envelope(at: Place, site: SiteSection) -> Found:
    guard, contract = site.guard, site.contracted_import_kw
    if guard is None:
        return
    highest = contract if guard.highest_import_kw is None else guard.highest_import_kw
    if highest > contract:
        yield (*at, "guard", "highest_import_kw"), "lies above contracted_import_kw; lower it"
    if guard.lowest_import_kw > highest:
        yield (*at, "guard", "lowest_import_kw"), "lies above what may be drawn at most; lower it"
    fail_safe = site.fail_safe_import_kw
    if fail_safe is not None and not guard.lowest_import_kw <= fail_safe <= highest:
        what = "lies outside [site.guard]; choose a cap from lowest_import_kw to highest_import_kw"
        yield (*at, "fail_safe_import_kw"), what


def _reach(at: Place, site: SiteSection, draft: Draft) -> Found:
    """A ramp that takes longer than events last is no ramp: nothing would ever be reached."""
    guard = site.guard
    if guard is None:
        return
    span_kw = site.contracted_import_kw - guard.lowest_import_kw
    if guard.ramp_kw_per_min is not None and span_kw > guard.ramp_kw_per_min * LONGEST_RAMP:
        yield (*at, "guard", "ramp_kw_per_min"), _too_slow(span_kw)
    fleet = draft.gateway.fleet_kw_per_min
    if fleet is not None and span_kw > fleet * LONGEST_RAMP:
        yield ("gateway", "fleet_kw_per_min"), _too_slow(span_kw)


def _too_slow(span_kw: Decimal) -> str:
    least = plain((span_kw / LONGEST_RAMP).quantize(Decimal("0.001"), ROUND_UP))
    return f"is too slow: {plain(span_kw)} kW would take more than 4 h; make it {least} or more"


def _plain_utility(at: Place, utility: UtilitySection, draft: Draft) -> Found:
    if utility.url.startswith("http://") and not draft.gateway.test_mode:
        yield (*at, "url"), "plain http to a utility only in test mode; use https"


def _discovered(at: Place, utility: UtilitySection) -> Found:
    """An address that stands for whichever server answers: whoever is on the network can."""
    try:
        service = service_of(utility.url)
    except WireError as error:
        yield (*at, "url"), error.detail
        return
    if not service:
        return
    if utility.protocol not in SEP2_FAMILY or not utility.url.startswith("https://"):
        yield (*at, "url"), "stands for a server of IEEE 2030.5 on the local network, over https"
    elif not utility.server_fingerprint:
        yield (*at, "server_fingerprint"), "is missing; whoever is on the network could answer"
    elif utility.check_host_name:
        what = "must be false: a server that is found on the network is reached by its address"
        yield (*at, "check_host_name"), what


def _identity(at: Place, utility: UtilitySection) -> Found:
    if utility.url.startswith("https://"):
        for key in ("certificate", "key", "ca"):
            if getattr(utility, key) is None:
                yield (*at, key), Fault(_BARE, reason="MISSING_KEY")


def _unpinned(at: Place, utility: UtilitySection) -> Found:
    if not utility.check_host_name and not utility.server_fingerprint:
        yield (*at, "check_host_name"), "may be off only with server_fingerprint; pin the server"


def _profile(at: Place, utility: UtilitySection) -> Found:
    known = PROFILES_OF[utility.protocol]
    if utility.tls_profile not in known:
        what = f"is no profile of {utility.protocol}; it has {', '.join(known)}"
        yield (*at, "tls_profile"), what


def _fingerprint(at: Place, utility: UtilitySection) -> Found:
    pinned = utility.server_fingerprint
    if utility.protocol in SEP2_FAMILY:
        if pinned and not is_pin(pinned):
            like = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5, or the SFDI 167261211391"
            yield (*at, "server_fingerprint"), f"is no LFDI or SFDI; an LFDI looks like {like}"
    elif pinned and not same_fingerprint(pinned, pinned):
        like = "59:4D:D8:CD:35:8E:E7:F7:86:94, the last 20 hex digits of its SHA-256"
        yield (*at, "server_fingerprint"), f"is no fingerprint; it looks like {like}"


def _files(at: Place, section: Section, keys: Iterable[str], draft: Draft) -> Found:
    for key in keys:
        given = getattr(section, key, None)
        if given is not None:
            what = unreadable(draft.path(given))
            if what:
                yield (*at, key), Fault(what, reason="NO_FILE")


def _owner(at: Place, program: ProgramSection, draft: Draft) -> Found:
    if program.utility not in draft.utility_names:
        known = _listed(draft.utility_names)
        yield (*at, "utility"), f"there is no utility {program.utility!r}; there is {known}"


def _listed(names: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name)) or "none"


def _same_program(index: int, program: ProgramSection, draft: Draft) -> Found:
    key = (program.utility, program.name)
    for other in draft.programs[:index]:
        if key == (getattr(other, "utility", None), getattr(other, "name", None)):
            what = "this utility has a program of that name already; merge them"
            yield ("program", index, "name"), what


def _levels(at: Place, program: ProgramSection) -> Found:
    for level in program.levels:
        if not _LEVEL.fullmatch(level):
            yield (*at, "levels", level), 'a level is a whole number in quotes, e.g. "1"'


def _sites(at: Place, program: ProgramSection, draft: Draft) -> Found:
    for k, name in enumerate(program.sites):
        if name not in draft.site_names:
            known = _listed(draft.site_names)
            yield (*at, "sites", k), f"there is no site {name!r}; there is {known}"
        if name in program.sites[:k]:
            yield (*at, "sites", k), f"{name!r} stands twice; remove one"


def _sites_of(program: ProgramSection, draft: Draft) -> tuple[SiteSection, ...]:
    named = set(getattr(program, "sites", ()))
    pairs = zip(draft.site_names, draft.sites, strict=True)
    return tuple(site for name, site in pairs if name in named)


def _silence(at: Place, program: ProgramSection, site: SiteSection) -> Found:
    if program.opt_default == "in" and site.fail_safe_import_kw is None:
        what = f"needs a fail_safe_import_kw at site {site.id!r}: a silent site must have a cap"
        yield (*at, "opt_default"), what


def _metering(at: Place, program: ProgramSection, site: SiteSection) -> Found:
    """Settled is what the contract meter measured: the settlement's steps must be made of whole readings."""
    for meter in site.meter:
        if meter.id == site.contract_meter and program.settlement_interval % meter.interval:
            whole = f"a whole multiple of {duration_text(meter.interval)}"
            what = f"must be {whole}, the interval of meter {meter.id!r} at site {site.id!r}"
            yield (*at, "settlement_interval"), what


def _windows(at: Place, program: ProgramSection) -> Found:
    if program.baseline_method != "same_day":
        return
    windows = [window.model_dump() for window in program.baseline_window]
    model = METHODS[program.baseline_method].options
    try:
        model.model_validate({"family": program.baseline_method, "windows": windows})
    except ValidationError as error:
        for one in error.errors(include_url=False):
            if windows and one["type"] == "too_short":
                continue  # counted without those that are told already
            place = (*at, "baseline_window", *one["loc"][1:])
            yield place, fix(one, place, (model,))


def _edges(at: Place, program: ProgramSection) -> Found:
    """A window is averaged over settlement intervals that are counted from the event: they must end at its edges."""
    step = program.settlement_interval
    if program.baseline_method != "same_day":
        return
    for k, window in enumerate(program.baseline_window):
        for key in ("from_min", "to_min"):
            if timedelta(minutes=getattr(window, key)) % step:
                what = f"must be a whole multiple of settlement_interval ({duration_text(step)})"
                yield (*at, "baseline_window", k, key), what
