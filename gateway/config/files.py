"""Opens the certificates and keys that a configuration names, as the gateway will: what cannot be used is a fault."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gateway.config.draft import Draft
from gateway.config.endpoints import unusable
from gateway.config.fixes import Place
from gateway.config.settings import PushSection, SouthboundSection, UtilitySection
from gateway.domain.errors import ConfigError, Fault, IdentityError
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.transport.profiles import client_context
from gateway.transport.tls import TlsFiles, refuse_test_files, southbound_server

Found = Iterator[tuple[Place, str]]


def unusable_files(draft: Draft) -> Found:
    """Yield every file that is there and cannot be used; missing ones are told elsewhere."""
    # The draft lacks what could not be read; a path that means nothing to the system is told elsewhere.
    with contextlib.suppress(AttributeError, OSError):
        yield from _listener("southbound", draft, draft.southbound)
    with contextlib.suppress(AttributeError, OSError):
        yield from _listener("push", draft, draft.push)
    for index, site in enumerate(draft.sites):
        with contextlib.suppress(AttributeError, OSError):
            for place, section in enumerate(site.webhook):
                yield from unusable(("site", index, "webhook", place), section, draft)
    for index, utility in enumerate(draft.utilities):
        with contextlib.suppress(AttributeError, OSError):
            yield from _utility(("utility", index), draft, utility)


def _listener(name: str, draft: Draft, section: SouthboundSection | PushSection) -> Found:
    pair = [draft.path(path) for path in (section.certificate, section.key) if path]
    if len(pair) < 2 or not all(path.is_file() for path in pair):
        return
    try:
        southbound_server(*pair)
    except ConfigError as error:
        for fault in error.faults:
            yield (name, "certificate"), fault
        return
    yield from _marked((name, "certificate"), pair[0], draft)


def _utility(at: Place, draft: Draft, section: UtilitySection) -> Found:
    if not (section.certificate and section.key and section.ca):
        return
    files = TlsFiles(
        certificate=draft.path(section.certificate),
        key=draft.path(section.key),
        ca=draft.path(section.ca),
    )
    if not all(path.is_file() for path in (files.certificate, files.key, files.ca)):
        return
    try:
        client_context(section.tls_profile, files)
    except ConfigError as error:
        for fault in error.faults:
            yield (*at, "ca" if fault.startswith(f"{files.ca}:") else "certificate"), fault
        return
    yield from _marked((*at, "certificate"), files.certificate, draft)
    yield from _marked((*at, "ca"), files.ca, draft)
    yield from _signing((*at, "certificate"), files, section)


def _signing(place: Place, files: TlsFiles, section: UtilitySection) -> Found:
    if section.options.get("xml_signature") is not True:
        return
    try:
        signing_key(files.certificate.read_bytes(), files.key.read_bytes())
    except ConfigError as error:
        for fault in error.faults:
            yield place, fault


def _marked(place: Place, path: Path, draft: Draft) -> Found:
    try:
        if not draft.gateway.test_mode:
            refuse_test_files((path,))
    except IdentityError as error:
        yield place, Fault(error.detail, reason=error.reason)
    except ValueError:
        yield place, f"{path}: holds no certificates in PEM that can be read"
