"""The listeners for utilities in push mode: opened before any session says where they are."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from gateway.app.sessions import Sessions
from gateway.app.watched import Watched, judge
from gateway.config.load import Loaded
from gateway.config.push import Entrance, Pushed, entrances
from gateway.domain.errors import ConfigError, GatewayError
from gateway.domain.names import UtilityName
from gateway.domain.points import Watch
from gateway.domain.ports import Clock
from gateway.northbound.items import UNAVAILABLE
from gateway.northbound.push import PushRoute, push_app
from gateway.northbound.push_peers import Expected
from gateway.protocols.actions import Message, Reply
from gateway.transport.server import Listener, listen
from gateway.transport.tls import TlsFiles, TlsProfile, exchange_identity, openadr_listener

log = structlog.get_logger()
Present = Callable[[], Sessions | None]
"""Returns the sessions, once there are any."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The identity that a listener shows."""

    context: ssl.SSLContext
    certificate: Path
    key: Path
    clock: Clock
    watched: Watched
    test_mode: bool = False

    def look(self) -> None:
        """Show the files from now on, if they have changed; what cannot be used leaves the old ones in use."""
        mark = self.watched.changed()
        if mark is None:
            return
        try:
            judge(self.certificate, (), self.clock.now(), test_mode=self.test_mode)
            exchange_identity(self.context, self.certificate, self.key)
        except (GatewayError, ValueError, OSError) as error:
            self.watched.refuse(mark)
            log.error("certificate_not_taken", listener=str(self.certificate), why=str(error))
            return
        self.watched.take(mark)
        log.info("certificate_exchanged", listener=str(self.certificate))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushListeners:
    """What listens for utilities that push."""

    listeners: tuple[Listener, ...] = ()
    shown: tuple[Shown, ...] = ()

    def look(self) -> None:
        """Take over certificates that have changed; called before each message that we send."""
        for one in self.shown:
            one.look()

    def look_again(self) -> None:
        """Try files that were refused once more."""
        for one in self.shown:
            one.watched.again()

    def with_others(self, others: "PushListeners") -> "PushListeners":
        """Return these and others."""
        return PushListeners(
            listeners=self.listeners + others.listeners, shown=self.shown + others.shown
        )

    async def stop(self) -> None:
        """Take no more requests, and wait for those in work."""
        await asyncio.gather(*(listener.stop() for listener in self.listeners))


async def open_push(loaded: Loaded, clock: Clock, watch: Watch, sessions: Present) -> PushListeners:
    """Listen for every utility in push mode.

    Raises:
        ConfigError: a certificate cannot be used.
        OSError: an address is in use or not ours.
    """
    settings = loaded.settings
    opened: list[Listener] = []
    shown: list[Shown] = []
    try:
        for entrance in entrances(settings.push, settings.utility):
            routes = [_route(one, sessions) for one in entrance.pushed]
            app = push_app(routes, clock, test_mode=settings.gateway.test_mode, watch=watch)
            context = _context(loaded, entrance)
            listener = await listen(app, entrance.host, entrance.port, context)
            opened.append(listener)
            if context is not None and entrance.certificate and entrance.key:
                pair = (loaded.path(entrance.certificate), loaded.path(entrance.key))
                watched = Watched(pair, clock)
                test_mode = settings.gateway.test_mode
                shown.append(Shown(context, *pair, clock, watched, test_mode))
            names = [route.utility for route in routes]
            log.info("push_listening", url=listener.url, utilities=names)
    except (OSError, ConfigError):
        await PushListeners(listeners=tuple(opened)).stop()
        raise
    return PushListeners(listeners=tuple(opened), shown=tuple(shown))


def _context(loaded: Loaded, entrance: Entrance) -> ssl.SSLContext | None:
    if entrance.certificate is None or entrance.key is None:
        return None
    authorities = [loaded.path(one.section.ca) for one in entrance.pushed if one.section.ca]
    first, *others = dict.fromkeys(authorities)
    files = TlsFiles(
        certificate=loaded.path(entrance.certificate), key=loaded.path(entrance.key), ca=first
    )
    asked = {TlsProfile(one.section.tls_profile) for one in entrance.pushed}
    strict = asked == {TlsProfile.CERTIFICATION}
    profile = TlsProfile.CERTIFICATION if strict else TlsProfile.MODERN
    return openadr_listener(files, others, profile)


def _route(one: Pushed, sessions: Present) -> PushRoute:
    name = UtilityName(one.section.name)
    pinned = one.options.push_fingerprints or _one(one.section.server_fingerprint)
    expected = Expected(
        pinned=pinned,
        secure=one.section.url.startswith("https://"),
        seen=partial(_seen, sessions, name),
    )
    return PushRoute(
        utility=name,
        prefix=one.options.push_prefix,
        expected=expected,
        ask=partial(_ask, sessions, name),
    )


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _seen(sessions: Present, name: UtilityName) -> str:
    present = sessions()
    return present.seen(name) if present else ""


async def _ask(sessions: Present, name: UtilityName, message: Message) -> Reply:
    present = sessions()
    return await present.ask(name, message) if present else UNAVAILABLE
