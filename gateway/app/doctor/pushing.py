"""Push mode as the doctor looks at it: what the utility is told, and whether our listener answers as that says."""

from gateway.app.doctor.certificates import Certificate, certificates
from gateway.app.doctor.finding import Finding, Scribe
from gateway.app.doctor.handshake import Shaken, shake
from gateway.app.doctor.link import NEAR_DAYS, STEP_S
from gateway.config.load import Loaded
from gateway.config.push import Entrance, Pushed, entrances
from gateway.config.settings import UtilitySection
from gateway.domain.errors import ConfigError
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.transport.profiles import client_context
from gateway.transport.tls import TlsFiles

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read out of the settings, never listened on


async def listening(
    loaded: Loaded, section: UtilitySection, clock: Clock, *, running: bool
) -> list[Finding]:
    """Return what was found about one utility; nothing for one that does not push."""
    settings = loaded.settings
    for entrance in entrances(settings.push, settings.utility):
        for one in entrance.pushed:
            if one.section.name == section.name:
                return await _Push(loaded, entrance, one, clock).look(running=running)
    return []


class _Push:
    def __init__(self, loaded: Loaded, entrance: Entrance, one: Pushed, clock: Clock) -> None:
        self._loaded = loaded
        self._entrance = entrance
        self._one = one
        self._clock = clock
        self._write = Scribe(one.section.name)

    async def look(self, *, running: bool) -> list[Finding]:
        leaf = self._leaf()
        if isinstance(leaf, Finding):
            return [leaf]
        found = [self._hand_over(leaf), *self._dates(leaf)]
        place = f"{self._entrance.host} port {self._entrance.port}"
        if not running:
            text = f"{place}: not asked, no gateway runs on this configuration"
            return [*found, self._write.skip("push listener", text)]
        if not self._entrance.port:
            text = "port 0 is another one at each start: give [push] a port"
            return [*found, self._write.skip("push listener", text)]
        return [*found, await self._answers(place, leaf)]

    def _leaf(self) -> Certificate | Finding | None:
        path = self._entrance.certificate
        if path is None:
            return None
        try:
            return certificates(self._loaded.path(path).read_bytes())[0]
        except (OSError, ValueError) as error:
            text = f"{path}: holds no certificates in PEM ({type(error).__name__})"
            return self._write.fail("push", "UNUSABLE_FILE", text)

    def _hand_over(self, leaf: Certificate | None) -> Finding:
        address = self._one.options.address
        shown = f"fingerprint {fingerprint(leaf.der)}" if leaf else "plain HTTP, for rehearsals"
        text = f"hand over: push address {address}, {shown}"
        return self._write.ok("push", text, address=address, listens=self._entrance.host)

    def _dates(self, leaf: Certificate | None) -> list[Finding]:
        now = self._clock.now()
        if leaf is None:
            return []
        if leaf.end <= now:
            text = f"the listener's certificate {leaf.subject} ended on {leaf.end:%Y-%m-%d}"
            return [self._write.fail("push", "OUR_EXPIRY", text)]
        if leaf.days_left(now) < NEAR_DAYS:
            text = f"the listener's certificate {leaf.subject} ends on {leaf.end:%Y-%m-%d}"
            return [self._write.warn("push", "OUR_EXPIRY_NEAR", text)]
        return []

    async def _answers(self, place: str, leaf: Certificate | None) -> Finding:
        host = _ANYWHERE.get(self._entrance.host, self._entrance.host)
        check = "push listener"
        if leaf is None:
            return self._write.ok(check, f"{place}: plain HTTP, not asked")
        try:
            shaken = await self._shaken(host)
        except (TimeoutError, OSError, ConfigError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            return self._write.fail(check, "PUSH_CLOSED", f"{place}: {why}")
        if not shaken.chain:
            return self._write.fail(check, "PUSH_CLOSED", f"{place} breaks the handshake off")
        if shaken.chain[0] != leaf.der:
            text = (
                f"{place} shows {fingerprint(shaken.chain[0])}, the file is {fingerprint(leaf.der)}"
            )
            return self._write.fail(check, "PUSH_STALE", text)
        text = f"{place} answers with this certificate; whether {self._one.options.push_url}"
        return self._write.ok(check, f"{text} leads there, only the utility can tell")

    async def _shaken(self, host: str) -> Shaken:
        """Shake hands as ourselves: whether the listener takes us for the utility does not matter here."""
        section, path = self._one.section, self._loaded.path
        if not (section.certificate and section.key and section.ca):
            fault = f"utility {section.name}: certificate, key and ca are needed"
            raise ConfigError((fault,), "MISSING_KEY")
        files = TlsFiles(
            certificate=path(section.certificate), key=path(section.key), ca=path(section.ca)
        )
        context = client_context(section.tls_profile, files, host_names=False)
        return await shake((host, self._entrance.port), context, host, self._clock, STEP_S)
