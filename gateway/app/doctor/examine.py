"""The whole examination: the configuration, this machine, then every utility at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.app.control_client import running
from gateway.app.doctor.finding import Finding, Scribe, State
from gateway.app.doctor.link import Link, Resolve, system_addresses
from gateway.app.doctor.machine import Machine
from gateway.app.doctor.notifying import notified
from gateway.app.doctor.pushing import listening
from gateway.app.doctor.signing import secured, signing
from gateway.app.doctor.talk2b import Talk
from gateway.app.doctor.talk_sep2 import TalkSep2
from gateway.app.ids import SystemIds
from gateway.app.line import judge_of_peers
from gateway.app.sessions import scope_of
from gateway.app.state_desk import StateDocument, UtilityState
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.config.settings import UtilitySection
from gateway.domain.codes.registry import by_reason
from gateway.domain.errors import ConfigError, MisuseError, TransportError
from gateway.domain.names import UtilityName
from gateway.domain.ports import Clock, Ids
from gateway.domain.protocol import SEP2_FAMILY, ProtocolName
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.registry import PROTOCOLS
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.discovery import service_of
from gateway.transport.client import PeerClient
from gateway.transport.schemas import load_oadr20b_schema

WRITE: Final = Scribe("gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Examines an installation; nothing is registered, answered, polled, made or changed.

    Args:
        clock: Time.
        ids: For request ids.
        resolve: DNS.
    """

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=SystemIds)
    resolve: Resolve = system_addresses

    async def examine(self, file: Path) -> list[Finding]:
        """Return every finding, in the order of the path that a message takes."""
        found, loaded = _configuration(file)
        if loaded is None:
            return found
        state = None
        try:
            state = await _running(loaded)
        except TransportError as error:
            found.append(WRITE.error("process", error))
        machine = Machine(loaded, self.clock.now(), state is not None)
        found += await machine.look()
        visits = [self._visit(loaded, one, machine.there) for one in loaded.settings.utility]
        for section, lines in zip(
            loaded.settings.utility, await asyncio.gather(*visits), strict=True
        ):
            found += lines
            running = state is not None
            found += await listening(loaded, section, self.clock, running=running)
            found += await notified(loaded, section, self.clock, running=running)
            found += _polls(section, state, self.clock.now())
        return found

    async def _visit(
        self,
        loaded: Loaded,
        section: UtilitySection,
        store: Path | None,
    ) -> list[Finding]:
        if section.protocol in SEP2_FAMILY and service_of(section.url):
            text = "the server is found on the local network when the gateway runs; see gridgate discover"
            return [Scribe(section.name).skip("dns", text)]
        link = Link(loaded, section, self.clock, self.resolve)
        found = await link.walk()
        if any(finding.state is State.FAIL and finding.check in _STEPS for finding in found):
            write = Scribe(section.name)
            return [*found, write.skip("register", "not asked: mend what stands above first")]
        options = PROTOCOLS[section.protocol].read_options(section.options)
        if isinstance(options, VenOptions):
            found += signing(link, options)
        speak = _TALKS.get(section.protocol)
        if speak is None:
            text = f"not asked: the doctor does not speak {section.protocol} yet"
            return [*found, Scribe(section.name).skip("register", text)]
        return found + await speak(self, link).speak(store)


_STEPS: Final = frozenset({"files", "dns", "tcp", "tls", "server"})
"""Checks without which nothing can be said to a utility."""


def _configuration(file: Path) -> tuple[list[Finding], Loaded | None]:
    try:
        loaded = load(file)
    except ConfigError as error:
        return WRITE.faults("config", error), None
    settings = loaded.settings
    text = (
        f"{file}: {len(settings.utility)} utility, {len(settings.site)} site,"
        f" {len(settings.program)} program"
    )
    found = [WRITE.ok("config", text)]
    try:
        load(file, open_files=True)
    except ConfigError as error:
        found = WRITE.faults("config", error)
    if settings.gateway.test_mode:
        found.append(WRITE.ok("config", "TEST mode: test certificates pass, nothing obliges"))
    return found, loaded


async def _running(loaded: Loaded) -> StateDocument | None:
    folder = loaded.path(loaded.settings.gateway.data_dir)
    async with running(folder) as gateway:
        return None if gateway is None else await gateway.ask("GET", "/state", StateDocument)


def _polls(section: UtilitySection, state: StateDocument | None, now: datetime) -> list[Finding]:
    """Tell how the running gateway's own exchanges with a utility go: it polls, so that the doctor need not."""
    known = [one for one in state.utilities if one.name == section.name] if state else []
    return [_poll(Scribe(section.name), one, now) for one in known]


def _poll(write: Scribe, known: UtilityState, now: datetime) -> Finding:
    if known.closed:
        text = f"the running gateway has ended its session: {known.closed}"
        return write.fail("poll", "REGISTRATION", text)
    heard = "never"
    if known.last_good_at is not None:
        heard = f"{(now - known.last_good_at).total_seconds():.0f} s ago"
    facts = {"failures_in_a_row": known.failures_in_a_row, "last_failure": known.last_failure}
    if known.failures_in_a_row:
        reason = known.last_failure if by_reason(known.last_failure, TransportError) else "BROKEN"
        failed = f"{known.failures_in_a_row} exchanges of the running gateway failed in a row"
        text = f"{failed}, the last with {known.last_failure}, the last good one was {heard}"
        return write.fail("poll", reason, text, **facts)
    if known.last_good_at is None:
        return write.skip("poll", "the running gateway has not heard the utility yet")
    return write.ok("poll", f"the running gateway heard it {heard}", **facts)


def _oadr20b(doctor: Doctor, link: Link) -> Talk:
    section = link.section
    codec = Codec(load_oadr20b_schema())
    options = VenOptions.model_validate(section.options)
    return Talk(
        write=link.write,
        codec=codec,
        clock=doctor.clock,
        ids=doctor.ids,
        url=section.url,
        context=link.context() if link.secure else None,
        test_mode=link.loaded.settings.gateway.test_mode,
        fingerprint=section.server_fingerprint,
        secured=secured(link, options, codec, doctor.ids),
    )


def _sep2(doctor: Doctor, link: Link) -> TalkSep2:
    section, loaded = link.section, link.loaded
    options = PROTOCOLS[section.protocol].read_options(section.options)
    if not isinstance(options, Sep2Options):
        raise MisuseError("WRONG_OPTIONS", f"{type(options).__name__} are no options of 2030.5")
    client = PeerClient(
        section.url,
        link.context() if link.secure else None,
        doctor.clock,
        total_s=15.0,
        test_mode=loaded.settings.gateway.test_mode,
        admit=judge_of_peers(section),
    )
    return TalkSep2(
        write=link.write,
        clock=doctor.clock,
        client=client,
        root=section.url,
        options=options,
        lfdi=scope_of(loaded, UtilityName(section.name)).lfdi,
    )


_TALKS: Final[dict[ProtocolName, Callable[[Doctor, Link], Talk | TalkSep2]]] = {
    ProtocolName.OADR20B: _oadr20b,
    **dict.fromkeys(SEP2_FAMILY, _sep2),
}
