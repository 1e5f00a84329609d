"""File -> settings: every fault at once, each with file, line, key and the fix."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from gateway.config.lines import line_of
from gateway.config.settings import ProgramSection, Section, Settings, SiteSection, UtilitySection
from gateway.domain.errors import ConfigError, GatewayError
from gateway.protocols.registry import PROTOCOLS

_FIXES: Final = {
    "extra_forbidden": "no such key here; remove it or correct its spelling",
    "missing": "is missing; add it",
}


@dataclass
class Faults:
    """Collects faults of one file."""

    file: Path
    text: str
    found: list[str] = field(default_factory=list)

    def add(self, path: tuple[str | int, ...], what: str) -> None:
        """Note one fault at a key."""
        name = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
        self.found.append(f"{self.file}:{line_of(self.text, path)}  {name}: {what}")

    def validation(self, error: ValidationError, root: tuple[str | int, ...] = ()) -> None:
        """Note every fault of a pydantic error."""
        for one in error.errors(include_url=False):
            self.add((*root, *one["loc"]), _FIXES.get(one["type"], one["msg"]))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration."""

    settings: Settings
    folder: Path
    """Relative paths count from here."""

    def path(self, given: Path) -> Path:
        """Resolve a path of the file."""
        return given if given.is_absolute() else self.folder / given


def load(file: Path) -> Loaded:
    """Read and check a configuration file; no network is used.

    Raises:
        ConfigError: with every fault found.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = "give the path of a TOML file; an annotated example comes with the project"
        raise ConfigError((f"{file}: cannot be read ({type(error).__name__}); {fix}",)) from None
    try:
        document = tomllib.loads(text, parse_float=_exact)
    except (tomllib.TOMLDecodeError, InvalidOperation) as error:
        raise ConfigError((f"{file}: no valid TOML: {error}",)) from None
    faults = Faults(file, text)
    settings = _settings(document, faults)
    if settings is not None:
        loaded = Loaded(settings, file.resolve().parent)
        for path, what in _contradictions(loaded):
            faults.add(path, what)
    if faults.found or settings is None:
        raise ConfigError(tuple(dict.fromkeys(faults.found)))
    return Loaded(settings, file.resolve().parent)


def _exact(text: str) -> Decimal:
    return Decimal(text)


def _settings(document: dict[str, Any], faults: Faults) -> Settings | None:
    settings = None
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        faults.validation(error)
    for index, raw in enumerate(document.get("utility", [])):
        _protocol_options(index, raw, faults)
    return settings


def _protocol_options(index: int, raw: object, faults: Faults) -> None:
    """Let the protocol's own folder judge the keys that only it knows."""
    if not isinstance(raw, dict):
        return
    entry = next((e for name, e in PROTOCOLS.items() if name == raw.get("protocol")), None)
    if entry is None:
        known = ", ".join(sorted(PROTOCOLS))
        faults.add(("utility", index, "protocol"), f"not available; this version speaks {known}")
        return
    own = {key: value for key, value in raw.items() if key not in UtilitySection.model_fields}
    try:
        entry.read_options(own)
    except ValidationError as error:
        faults.validation(error, ("utility", index))
    except GatewayError as error:
        faults.add(("utility", index), error.detail)


def _contradictions(loaded: Loaded) -> Iterator[tuple[tuple[str | int, ...], str]]:
    settings = loaded.settings
    yield from _doubles(settings)
    yield from _southbound(loaded)
    for index, site in enumerate(settings.site):
        yield from _site(index, site)
    for index, utility in enumerate(settings.utility):
        yield from _utility(index, utility, loaded)
    for index, program in enumerate(settings.program):
        yield from _program(index, program, settings)


def _doubles(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    lists: dict[str, tuple[str, list[str]]] = {
        "site": ("id", [site.id for site in settings.site]),
        "utility": ("name", [utility.name for utility in settings.utility]),
    }
    for section, (key, names) in lists.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (section, index, key), f"{name!r} stands twice; choose another"


def _southbound(loaded: Loaded) -> Iterator[tuple[tuple[str | int, ...], str]]:
    southbound = loaded.settings.southbound
    if (southbound.certificate is None) != (southbound.key is None):
        yield ("southbound",), "certificate and key belong together; give both or none"
    if southbound.certificate is None and not southbound.loopback:
        yield ("southbound", "host"), "plain HTTP only on loopback; give certificate and key"
    yield from _files(("southbound",), southbound, ("certificate", "key"), loaded)
    if southbound.lease_s < 2 * southbound.heartbeat_s:
        yield ("southbound", "lease_s"), "must be at least two heartbeats long"


def _site(index: int, site: SiteSection) -> Iterator[tuple[tuple[str | int, ...], str]]:
    meters = [meter.id for meter in site.meter]
    if site.contract_meter not in meters:
        known = ", ".join(meters)
        yield ("site", index, "contract_meter"), f"no such meter; this site has {known}"
    for k, name in enumerate(meters):
        if name in meters[:k]:
            yield ("site", index, "meter", k, "id"), f"{name!r} stands twice; choose another"
    fail_safe = site.fail_safe_import_kw
    if fail_safe is not None and fail_safe > site.contracted_import_kw:
        yield ("site", index, "fail_safe_import_kw"), "lies above contracted_import_kw; lower it"


def _utility(
    index: int, utility: UtilitySection, loaded: Loaded
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    at = ("utility", index)
    if utility.url.startswith("https://"):
        for key in ("certificate", "key", "ca"):
            if getattr(utility, key) is None:
                yield (*at, key), "is missing; https to a utility needs certificate, key and ca"
    elif not loaded.settings.gateway.test_mode:
        yield (*at, "url"), "plain http to a utility only in test mode; use https"
    if not utility.check_host_name and not utility.server_fingerprint:
        yield (*at, "check_host_name"), "may be off only with server_fingerprint; pin the server"
    yield from _files(at, utility, ("certificate", "key", "ca"), loaded)


def _files(
    at: tuple[str | int, ...], section: Section, keys: tuple[str, ...], loaded: Loaded
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key in keys:
        given = getattr(section, key)
        if given is not None and not loaded.path(given).is_file():
            yield (*at, key), f"no such file: {loaded.path(given)}"


def _program(
    index: int, program: ProgramSection, settings: Settings
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    at = ("program", index)
    if program.utility not in {utility.name for utility in settings.utility}:
        yield (*at, "utility"), f"there is no utility {program.utility!r}"
    sites = {site.id: site for site in settings.site}
    for k, name in enumerate(program.sites):
        site = sites.get(name)
        if site is None:
            yield (*at, "sites", k), f"there is no site {name!r}"
        elif program.opt_default == "in" and site.fail_safe_import_kw is None:
            fix = f"needs a fail_safe_import_kw at site {name!r}: a silent site must have a cap"
            yield (*at, "opt_default"), fix
    for level in program.levels:
        if not level.lstrip("-").isdigit():
            yield (*at, "levels", level), "a level is a whole number in quotes"
    same = [(p.utility, p.name) for p in settings.program[:index]]
    if (program.utility, program.name) in same:
        yield (*at, "name"), "this utility has a program of that name already"
    for k, window in enumerate(program.baseline_window):
        if window.to_min <= window.from_min:
            yield (*at, "baseline_window", k, "to_min"), "must lie after from_min"
