"""Utilities in push mode: which listener each is served by, and what of that cannot be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from gateway.config.draft import Draft
from gateway.config.endpoints import unreadable
from gateway.config.fixes import Place
from gateway.config.settings import PushSection, UtilitySection
from gateway.domain.errors import Fault
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.registry import PROTOCOLS

Found = Iterator[tuple[Place, str]]
_HALF: Final = "is missing; certificate and key belong together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A utility in push mode."""

    index: int
    """Among all utilities."""
    section: UtilitySection
    options: VenOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """One listener, and the utilities that it serves."""

    host: str
    port: int
    certificate: Path | None
    """None: plain HTTP, for rehearsals."""
    key: Path | None
    pushed: tuple[Pushed, ...]


def pushed(utilities: Sequence[UtilitySection]) -> tuple[Pushed, ...]:
    """Return the utilities in push mode; one whose options are faulty is left out, its faults are told elsewhere."""
    found = []
    for index, section in enumerate(utilities):
        try:
            options = PROTOCOLS[section.protocol].read_options(section.options)
        except (ValidationError, AttributeError, KeyError):
            continue
        if isinstance(options, VenOptions) and options.pushes:
            found.append(Pushed(index=index, section=section, options=options))
    return tuple(found)


def entrances(push: PushSection, utilities: Sequence[UtilitySection]) -> tuple[Entrance, ...]:
    """Return the listeners that are needed: by port and by certificate."""
    groups: dict[tuple[int, Path | None, Path | None], list[Pushed]] = {}
    for one in pushed(utilities):
        own = one.options.push_port
        secure = one.section.url.startswith("https://")
        shared = own is None and secure and push.certificate is not None
        section = push if shared else one.section
        pair = (section.certificate, section.key) if secure else (None, None)
        groups.setdefault((push.port if own is None else own, *pair), []).append(one)
    return tuple(
        Entrance(host=push.host, port=port, certificate=certificate, key=key, pushed=tuple(found))
        for (port, certificate, key), found in groups.items()
    )


def push_faults(draft: Draft) -> Iterator[Found]:
    """Yield the checks of push mode."""
    yield _pair(draft)
    yield _files(draft)
    yield _addresses(draft)
    yield _shared_ports(draft)
    yield _prefixes(draft)
    yield _bare(draft)


def _pair(draft: Draft) -> Found:
    if (draft.push.certificate is None) != (draft.push.key is None):
        missing = "certificate" if draft.push.certificate is None else "key"
        yield ("push", missing), Fault(_HALF, reason="MISSING_KEY")


def _files(draft: Draft) -> Found:
    for key, path in (("certificate", draft.push.certificate), ("key", draft.push.key)):
        what = unreadable(draft.path(path)) if path is not None else ""
        if what:
            yield ("push", key), Fault(what, reason="NO_FILE")


def _addresses(draft: Draft) -> Found:
    for one in pushed(draft.utilities):
        url, at = one.options.push_url, ("utility", one.index, "push_url")
        if not url:
            what = "is missing; push mode needs the address at which the utility reaches us"
            yield at, Fault(what, reason="MISSING_KEY")
        elif urlsplit(url).scheme != urlsplit(one.section.url).scheme:
            yield at, "must begin as url does: https both ways, plain http both ways in a rehearsal"


def _shared_ports(draft: Draft) -> Found:
    """Tell utilities that share a port and would show different certificates there; and ports that are taken."""
    seen: set[int] = set()
    for entrance in entrances(draft.push, draft.utilities):
        at: Place = ("utility", entrance.pushed[0].index, "push_port")
        if not entrance.port:
            continue
        if entrance.port in seen:
            what = "shares its port with a utility that has another certificate"
            yield at, f"{what}; give [push] a certificate, or this utility a push_port of its own"
        if (draft.push.host, entrance.port) == (draft.southbound.host, draft.southbound.port):
            yield at, "is the port of [southbound]; choose another"
        seen.add(entrance.port)


def _prefixes(draft: Draft) -> Found:
    for entrance in entrances(draft.push, draft.utilities):
        known: set[str] = set()
        for one in entrance.pushed:
            if one.options.push_prefix in known:
                what = "has the same path as another utility's at this listener"
                yield ("utility", one.index, "push_url"), f"{what}; add a path of its own"
            known.add(one.options.push_prefix)


def _bare(draft: Draft) -> Found:
    for entrance in entrances(draft.push, draft.utilities):
        if entrance.certificate is None and not draft.push.loopback:
            yield ("push", "host"), "plain HTTP only on loopback; use https with the utility"
