"""Endpoints of sites: what contradicts itself in `[[site.webhook]]`, and files that cannot be used."""

import contextlib
import os
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

from gateway.config.draft import Draft
from gateway.config.fixes import Place
from gateway.config.settings import SouthboundSection, WebhookSection
from gateway.domain.errors import ConfigError, Fault, IdentityError, TransportError
from gateway.southbound.webhook.signing import MOST_SECRETS, read_secrets
from gateway.transport.outward import outward_context
from gateway.transport.targets import TargetRules, judge_literal, parse_target
from gateway.transport.tls import refuse_test_files

Found = Iterator[tuple[Place, str]]


def target_rules(section: WebhookSection, southbound: SouthboundSection) -> TargetRules:
    """Return where deliveries of one endpoint may go."""
    return TargetRules(
        ports=tuple(southbound.webhook_ports),
        own=tuple(ip_network(text) for text in section.allow),
    )


def endpoints(index: int, draft: Draft) -> Iterator[Found]:
    """Yield the checks of one site's endpoints."""
    with contextlib.suppress(AttributeError):
        for place, section in enumerate(draft.sites[index].webhook):
            at: Place = ("site", index, "webhook", place)
            yield _target(at, section, draft)
            yield _secrets(at, section, draft)
            yield _same(at, index, place, draft)
            yield _anchors(at, section, draft)


def _target(at: Place, section: WebhookSection, draft: Draft) -> Found:
    """Judge the address as far as that goes without asking anybody."""
    rules = target_rules(section, draft.southbound)
    try:
        judge_literal(parse_target(section.url, rules), rules)
    except TransportError as error:
        yield (*at, "url"), Fault(error.detail, reason=error.reason)


def _secrets(at: Place, section: WebhookSection, draft: Draft) -> Found:
    if (section.secret_file is None) != bool(section.secret_files):
        fix = "give secret_file, or secret_files with two while they are exchanged"
        yield (*at, "secret_file"), Fault(f"one of both is needed; {fix}", reason="MISSING_KEY")
    if len(section.secret_files) > MOST_SECRETS:
        yield (*at, "secret_files"), f"{MOST_SECRETS} at most: the new one and the old one"
    for key, path in _named(section):
        what = unreadable(draft.path(path), "a file with the secret")
        if what:
            yield (*at, *key), Fault(what, reason="NO_FILE")


def _named(section: WebhookSection) -> Iterator[tuple[Place, Path]]:
    if section.secret_file is not None:
        yield ("secret_file",), section.secret_file
    for place, path in enumerate(section.secret_files):
        yield ("secret_files", place), path


def _same(at: Place, index: int, place: int, draft: Draft) -> Found:
    """Tell names that stand twice at a site, and secrets that two endpoints share."""
    section = draft.sites[index].webhook[place]
    if any(other.name == section.name for other in draft.sites[index].webhook[:place]):
        yield (*at, "name"), f"{section.name!r} stands twice; choose another"
    others = [
        other
        for number, site in enumerate(draft.sites[: index + 1])
        for other in (site.webhook[:place] if number == index else site.webhook)
    ]
    taken = {draft.path(path) for other in others for path in other.secrets}
    for key, path in _named(section):
        if draft.path(path) in taken:
            yield (*at, *key), "is another endpoint's secret; every endpoint has one of its own"


def _anchors(at: Place, section: WebhookSection, draft: Draft) -> Found:
    if section.ca is not None:
        what = unreadable(draft.path(section.ca))
        if what:
            yield (*at, "ca"), Fault(what, reason="NO_FILE")


def unreadable(path: Path, like: str = "the path of a PEM file") -> str:
    """Say why a file cannot be read; empty when it can."""
    try:
        if path.is_dir():
            return f"is a folder: {path}; give {like}"
        if not path.is_file():
            return f"no such file: {path}"
    except OSError as error:
        return f"cannot be read: {path} ({error.strerror})"
    return "" if os.access(path, os.R_OK) else f"this user may not read {path}"


def unusable(at: Place, section: WebhookSection, draft: Draft) -> Found:
    """Yield files of an endpoint that are there and cannot be used."""
    for key, path in _named(section):
        if draft.path(path).is_file():
            try:
                read_secrets((draft.path(path),))
            except ConfigError as error:
                for fault in error.faults:
                    yield (*at, *key), fault
    if section.ca is None or not draft.path(section.ca).is_file():
        return
    try:
        outward_context(draft.path(section.ca))
        if not draft.gateway.test_mode:
            refuse_test_files((draft.path(section.ca),))
    except ConfigError as error:
        for fault in error.faults:
            yield (*at, "ca"), fault
    except IdentityError as error:
        yield (*at, "ca"), Fault(error.detail, reason=error.reason)
