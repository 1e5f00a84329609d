"""Utilities of IEEE 2030.5 that notify us: which listener each is served by, and what of that cannot be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from gateway.config.draft import Draft
from gateway.config.fixes import Place
from gateway.config.push import entrances as push_entrances
from gateway.config.settings import UtilitySection
from gateway.protocols.registry import PROTOCOLS
from gateway.protocols.sep2.client.options import Sep2Options

Found = Iterator[tuple[Place, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifying:
    """A utility that notifies us."""

    index: int
    """Among all utilities."""
    section: UtilitySection
    options: Sep2Options

    @property
    def path(self) -> str:
        """Return the path of the address that the utility is given."""
        return urlsplit(self.options.notify_url).path or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyEntrance:
    """One listener, and the utilities that it serves: they share its certificate and the root that they come from."""

    host: str
    port: int
    certificate: Path
    key: Path
    ca: Path
    tls_profile: str
    notifying: tuple[Notifying, ...]


def notifying(utilities: Sequence[UtilitySection]) -> tuple[Notifying, ...]:
    """Return the utilities that notify us; one whose options are faulty is left out, its faults are told elsewhere."""
    found = []
    for index, section in enumerate(utilities):
        try:
            options = PROTOCOLS[section.protocol].read_options(section.options)
        except (ValidationError, AttributeError, KeyError):
            continue
        if isinstance(options, Sep2Options) and options.notify_url:
            found.append(Notifying(index=index, section=section, options=options))
    return tuple(found)


def notify_entrances(utilities: Sequence[UtilitySection]) -> tuple[NotifyEntrance, ...]:
    """Return the listeners that are needed: by address, identity and root."""
    groups: dict[tuple[str, int, Path, Path, Path, str], list[Notifying]] = {}
    for one in notifying(utilities):
        section = one.section
        if section.certificate and section.key and section.ca:
            host, port = one.options.notify_host, one.options.notify_port
            files = (section.certificate, section.key, section.ca)
            groups.setdefault((host, port, *files, section.tls_profile), []).append(one)
    return tuple(
        NotifyEntrance(
            host=host,
            port=port,
            certificate=certificate,
            key=key,
            ca=ca,
            tls_profile=profile,
            notifying=tuple(found),
        )
        for (host, port, certificate, key, ca, profile), found in groups.items()
    )


def notify_faults(draft: Draft) -> Iterator[Found]:
    """Yield the checks of notifications."""
    yield _secure(draft)
    yield _ports(draft)
    yield _paths(draft)


def _secure(draft: Draft) -> Found:
    for one in notifying(draft.utilities):
        if not one.section.url.startswith("https://"):
            what = "needs a utility with https: notifications come over mutual TLS alone"
            yield ("utility", one.index, "notify_url"), what


def _ports(draft: Draft) -> Found:
    taken = {(draft.southbound.host, draft.southbound.port): "[southbound]"}
    for entrance in push_entrances(draft.push, draft.utilities):
        taken[entrance.host, entrance.port] = "[push]"
    for other in notify_entrances(draft.utilities):
        at: Place = ("utility", other.notifying[0].index, "notify_port")
        known = taken.get((other.host, other.port))
        if known is not None and other.port:
            yield at, f"is the port of {known}; choose another"
        taken[other.host, other.port] = "a utility with another certificate, root or TLS profile"


def _paths(draft: Draft) -> Found:
    for entrance in notify_entrances(draft.utilities):
        known: set[str] = set()
        for one in entrance.notifying:
            if one.path in known:
                what = "has the same path as another utility's at this listener"
                at: Place = ("utility", one.index, "notify_url")
                yield at, f"{what}; add a path of its own"
            known.add(one.path)
