"""The listeners for notifications, and for all utilities: opened before any session says where they are."""

from functools import partial

import structlog

from gateway.app.pushing import Present, PushListeners, Shown, open_push
from gateway.app.sessions import Sessions
from gateway.app.watched import Watched
from gateway.config.load import Loaded
from gateway.config.notify import NotifyEntrance, Notifying, notify_entrances
from gateway.domain.errors import ConfigError
from gateway.domain.names import UtilityName
from gateway.domain.points import Watch
from gateway.domain.ports import Clock
from gateway.northbound.items import UNAVAILABLE
from gateway.northbound.notify import Notifies, NotifyRoute, notify_app
from gateway.protocols.actions import Message, Reply
from gateway.transport.sep2_tls import Sep2Profile, judge_chain, sep2_server
from gateway.transport.server import Listener, listen
from gateway.transport.tls import TlsFiles, admit_peers

log = structlog.get_logger()


async def open_doors(
    loaded: Loaded, clock: Clock, watch: Watch, sessions: Present
) -> PushListeners:
    """Listen for every utility that opens connections to us.

    Raises:
        ConfigError: a certificate cannot be used.
        OSError: an address is in use or not ours.
    """
    pushed = await open_push(loaded, clock, watch, sessions)
    try:
        return pushed.with_others(await open_notify(loaded, clock, sessions))
    except (OSError, ConfigError):
        await pushed.stop()
        raise


async def open_notify(loaded: Loaded, clock: Clock, sessions: Present) -> PushListeners:
    """Listen for every utility that notifies us.

    Raises:
        ConfigError: a certificate cannot be used.
        OSError: an address is in use or not ours.
    """
    opened: list[Listener] = []
    shown: list[Shown] = []
    test_mode = loaded.settings.gateway.test_mode
    try:
        for entrance in notify_entrances(loaded.settings.utility):
            routes = [_route(one, sessions) for one in entrance.notifying]
            app = notify_app(routes, clock, test_mode=test_mode)
            files = _files(loaded, entrance)
            profile = Sep2Profile(entrance.tls_profile)
            context = sep2_server(files, profile)
            admit_peers(context, partial(judge_chain, profile=profile))
            listener = await listen(app, entrance.host, entrance.port, context)
            opened.append(listener)
            pair = (files.certificate, files.key)
            shown.append(Shown(context, *pair, clock, Watched(pair, clock), test_mode))
            names = [route.utility for route in routes]
            log.info("notify_listening", url=listener.url, utilities=names)
    except (OSError, ConfigError):
        await PushListeners(listeners=tuple(opened)).stop()
        raise
    return PushListeners(listeners=tuple(opened), shown=tuple(shown))


def _files(loaded: Loaded, entrance: NotifyEntrance) -> TlsFiles:
    path = loaded.path
    return TlsFiles(
        certificate=path(entrance.certificate), key=path(entrance.key), ca=path(entrance.ca)
    )


def _route(one: Notifying, sessions: Present) -> NotifyRoute:
    name = UtilityName(one.section.name)
    pinned = one.options.notify_peers
    if not pinned and one.section.server_fingerprint:
        pinned = (one.section.server_fingerprint,)
    return NotifyRoute(
        utility=name,
        path=one.path,
        notifies=Notifies(pinned=pinned, seen=partial(_seen, sessions, name)),
        ask=partial(_ask, sessions, name),
    )


def _seen(sessions: Present, name: UtilityName) -> str:
    present: Sessions | None = sessions()
    return present.seen(name) if present else ""


async def _ask(sessions: Present, name: UtilityName, message: Message) -> Reply:
    present: Sessions | None = sessions()
    return await present.ask(name, message) if present else UNAVAILABLE
