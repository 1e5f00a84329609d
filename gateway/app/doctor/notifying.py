"""Notifications of 2030.5 as the doctor looks at them: what the utility must reach, and whether we answer there."""

from gateway.app.doctor.certificates import certificates
from gateway.app.doctor.finding import Finding, Scribe
from gateway.app.doctor.handshake import Shaken, shake
from gateway.app.doctor.link import STEP_S
from gateway.config.load import Loaded
from gateway.config.notify import NotifyEntrance, Notifying, notify_entrances
from gateway.config.settings import UtilitySection
from gateway.domain.errors import ConfigError
from gateway.domain.ports import Clock
from gateway.protocols.sep2.identity import lfdi_of
from gateway.transport.profiles import client_context
from gateway.transport.tls import TlsFiles

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read out of the settings, never listened on
_LISTENER = "notification listener"


async def notified(
    loaded: Loaded, section: UtilitySection, clock: Clock, *, running: bool
) -> list[Finding]:
    """Return what was found about one utility; nothing for one that does not notify us."""
    for entrance in notify_entrances(loaded.settings.utility):
        for one in entrance.notifying:
            if one.section.name == section.name:
                return await _look(loaded, entrance, one, clock, running=running)
    return []


async def _look(
    loaded: Loaded, entrance: NotifyEntrance, one: Notifying, clock: Clock, *, running: bool
) -> list[Finding]:
    write = Scribe(one.section.name)
    try:
        leaf = certificates(loaded.path(entrance.certificate).read_bytes())[0]
    except (OSError, ValueError) as error:
        text = f"{entrance.certificate}: holds no certificates in PEM ({type(error).__name__})"
        return [write.fail("notifications", "UNUSABLE_FILE", text)]
    url, place = one.options.notify_url, f"{entrance.host} port {entrance.port}"
    text = f"the utility must reach {url}, which has to lead to {place}; it shows LFDI "
    found = [write.ok("notifications", text + lfdi_of(leaf.der), address=url, listens=place)]
    if not running:
        why = f"{place}: not asked, no gateway runs on this configuration"
        return [*found, write.skip(_LISTENER, why)]
    if not entrance.port:
        why = "port 0 is another one at each start: give the utility a notify_port"
        return [*found, write.skip(_LISTENER, why)]
    return [*found, await _answers(loaded, entrance, one, leaf.der, clock)]


async def _answers(
    loaded: Loaded, entrance: NotifyEntrance, one: Notifying, own: bytes, clock: Clock
) -> Finding:
    write, url = Scribe(one.section.name), one.options.notify_url
    place = f"{entrance.host} port {entrance.port}"
    try:
        shaken = await _shaken(loaded, entrance, clock)
    except (TimeoutError, OSError, ConfigError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        return write.fail(_LISTENER, "PUSH_CLOSED", f"{place}: {why}")
    if not shaken.chain:
        return write.fail(_LISTENER, "PUSH_CLOSED", f"{place} breaks the handshake off")
    if shaken.chain[0] != own:
        why = f"{place} shows {lfdi_of(shaken.chain[0])}, the file is {lfdi_of(own)}"
        return write.fail(_LISTENER, "PUSH_STALE", why)
    text = f"{place} answers with this certificate; whether {url} leads there"
    return write.ok(_LISTENER, f"{text}, only the utility can tell")


async def _shaken(loaded: Loaded, entrance: NotifyEntrance, clock: Clock) -> Shaken:
    """Shake hands as ourselves: whether the listener takes us for the utility does not matter here."""
    path = loaded.path
    files = TlsFiles(
        certificate=path(entrance.certificate), key=path(entrance.key), ca=path(entrance.ca)
    )
    profile = entrance.notifying[0].section.tls_profile
    context = client_context(profile, files, host_names=False)
    host = _ANYWHERE.get(entrance.host, entrance.host)
    return await shake((host, entrance.port), context, host, clock, STEP_S)
