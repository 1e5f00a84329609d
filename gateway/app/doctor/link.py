"""From a utility's URL to a verified TLS connection: each step by itself, so that a fault names its place."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes

from gateway.app.doctor.certificates import Certificate, certificate, certificates
from gateway.app.doctor.finding import Finding, Scribe, State
from gateway.app.doctor.handshake import Shaken, shake
from gateway.app.doctor.refusal import Refusal, place_text
from gateway.config.load import Loaded
from gateway.config.settings import UtilitySection
from gateway.domain.errors import ConfigError
from gateway.domain.ports import Clock
from gateway.domain.protocol import SEP2_FAMILY
from gateway.protocols.oadr2b.identity import fingerprint, same_fingerprint
from gateway.protocols.sep2.identity import lfdi_of
from gateway.protocols.sep2.pinning import pinned_as
from gateway.transport.marks import is_test_certificate
from gateway.transport.profiles import client_context
from gateway.transport.tls import TlsFiles

STEP_S: Final = 5.0
"""Longest wait for one step."""
NEAR_DAYS: Final = 60
"""A certificate with fewer days left is worth a warning."""
_PORTS: Final = {"https": 443, "http": 80}
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) -> addresses; raises ``OSError``."""


async def system_addresses(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass
class Link:
    """Walks from DNS to TLS; stops where going on could tell nothing.

    Args:
        loaded: The configuration.
        section: The utility's.
        clock: Time.
        resolve: DNS.
    """

    loaded: Loaded
    section: UtilitySection
    clock: Clock
    resolve: Resolve = system_addresses

    def __post_init__(self) -> None:
        parts = urlsplit(self.section.url)
        self.host = parts.hostname or ""
        self.port = parts.port or _PORTS[parts.scheme]
        self.secure = parts.scheme == "https"
        self.write = Scribe(self.section.name)
        self.now: datetime = self.clock.now()

    async def walk(self) -> list[Finding]:
        """Return what was found; the last finding is a failure when the server cannot be spoken to."""
        found = self._identity()
        names, addresses = await self._names()
        found.append(names)
        if not addresses:
            return found
        reached, address = await self._reach(addresses)
        found.append(reached)
        if address is None or not self.secure:
            return found
        if any(finding.state is State.FAIL for finding in found if finding.check == "files"):
            return found
        return found + await self._secure(address)

    def _identity(self) -> list[Finding]:
        """Tell who we are: what the operator hands to the utility."""
        if not self.secure:
            text = "plain HTTP: nobody can tell who we are; for rehearsals only"
            return [self.write.ok("identity", text)]
        try:
            chain = self.own_chain()
            self.context()
        except ConfigError as error:
            return self.write.faults("files", error)
        leaf = chain[0]
        digest = leaf.parsed.fingerprint(_SHA256).hex().upper()
        text = f"hand over: fingerprint {fingerprint(leaf.der)}, LFDI {digest[:40]}"
        facts = {**leaf.document(self.now), "lfdi": digest[:40], "sha256": digest}
        lines = [self.write.ok("identity", text, **facts)]
        for one in chain:
            lines += self._dates("our certificate", one, "OUR_EXPIRY", "OUR_EXPIRY_NEAR")
        return lines

    def own_chain(self) -> tuple[Certificate, ...]:
        """Return our own certificates, leaf first.

        Raises:
            ConfigError: the file cannot be used.
        """
        path = self.loaded.path(self._files().certificate)
        try:
            return certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            what = f"{path}: holds no certificates in PEM ({type(error).__name__})"
            raise ConfigError((what,), "UNUSABLE_FILE") from None

    def _files(self) -> TlsFiles:
        section = self.section
        if not (section.certificate and section.key and section.ca):
            fault = f"utility {section.name}: certificate, key and ca are needed"
            raise ConfigError((fault,), "MISSING_KEY")
        return TlsFiles(
            certificate=self.loaded.path(section.certificate),
            key=self.loaded.path(section.key),
            ca=self.loaded.path(section.ca),
        )

    def context(self) -> ssl.SSLContext:
        """Make the context that the gateway would use.

        Raises:
            ConfigError: a file cannot be used.
        """
        section = self.section
        return client_context(
            section.tls_profile, self._files(), host_names=section.check_host_name
        )

    async def _names(self) -> tuple[Finding, list[str]]:
        try:
            async with self.clock.timeout(STEP_S):
                found = await self.resolve(self.host, self.port)
        except TimeoutError:
            return self.write.fail("dns", "NAME", f"{self.host}: no resolver answers"), []
        except OSError as error:
            return self.write.fail("dns", "NAME", f"{self.host}: {error.strerror or error}"), []
        return self.write.ok("dns", f"{self.host} is {', '.join(found)}", addresses=found), found

    async def _reach(self, addresses: list[str]) -> tuple[Finding, str | None]:
        wrong: list[tuple[str, str]] = []
        for address in addresses:
            try:
                async with self.clock.timeout(STEP_S):
                    _, writer = await asyncio.open_connection(address, self.port)
                writer.close()
            except ConnectionRefusedError:
                wrong.append(("PORT", f"{place_text(address, self.port)} refuses connections"))
            except (TimeoutError, OSError) as error:
                why = getattr(error, "strerror", None) or f"no answer within {STEP_S:g} s"
                wrong.append(("FILTERED", f"{place_text(address, self.port)}: {why}"))
            else:
                return self.write.ok("tcp", f"{place_text(address, self.port)} answers"), address
        reason = wrong[0][0]
        return self.write.fail("tcp", reason, ", ".join(text for _, text in wrong)), None

    async def _secure(self, address: str) -> list[Finding]:
        place = (address, self.port)
        try:
            shaken = await shake(place, self.context(), self.host, self.clock, STEP_S)
            shown = shaken if shaken.chain else await self._stranger(place)
        except TimeoutError:
            text = f"{place_text(*place)} takes the connection and then is silent for {STEP_S:g} s"
            return [self.write.fail("tls", "TIMEOUT", text)]
        except OSError as error:
            text = f"{place_text(*place)} broke off: {error.strerror or type(error).__name__}"
            return [self.write.fail("tls", "TLS", text)]
        chain = _parsed(shown.chain)
        if not shaken.good:
            lines = [*self._chain(chain)] if chain else []
            refusal = Refusal(
                self.write,
                self.host,
                self.port,
                self.section.tls_profile,
                certificates(self.loaded.path(self._files().ca).read_bytes()),
                self.own_chain(),
            )
            return [*lines, refusal.judge(shaken, shown, chain)]
        text = f"{shaken.version} {shaken.suite}, profile {self.section.tls_profile}"
        good = self.write.ok("tls", text, version=shaken.version, suite=shaken.suite)
        return [good, *self._chain(chain), self._server(chain[0])]

    async def _stranger(self, place: tuple[str, int]) -> Shaken:
        """Shake hands without our identity and without believing anything, only to see what the server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            return await shake(place, context, self.host, self.clock, STEP_S)
        except (TimeoutError, OSError):
            return Shaken(closed=True)

    def _chain(self, chain: tuple[Certificate, ...]) -> Iterator[Finding]:
        for number, one in enumerate(chain, 1):
            text = f"{number} of {len(chain)}: {one.line(self.now)}"
            yield self.write.ok("chain", text, **one.document(self.now))
            yield from self._dates("its certificate", one, "SERVER_EXPIRED", "SERVER_EXPIRY_NEAR")

    def _dates(self, whose: str, one: Certificate, over: str, near: str) -> list[Finding]:
        left = one.days_left(self.now)
        if one.end <= self.now:
            text = f"{whose} {one.subject} ended on {one.end:%Y-%m-%d}, {-left} days ago"
            return [self.write.fail("dates", over, text)]
        if one.start > self.now:
            text = f"{whose} {one.subject} begins on {one.start:%Y-%m-%d %H:%M} UTC only"
            reason = over if over == "OUR_EXPIRY" else "SERVER_NOT_YET"
            return [self.write.fail("dates", reason, text)]
        if left < NEAR_DAYS:
            text = f"{whose} {one.subject} ends on {one.end:%Y-%m-%d}, in {left} days"
            return [self.write.warn("dates", near, text, days_left=left)]
        return []

    def _server(self, leaf: Certificate) -> Finding:
        shown, wanted = fingerprint(leaf.der), self.section.server_fingerprint
        same = same_fingerprint(shown, wanted)
        if self.section.protocol in SEP2_FAMILY:
            shown = lfdi_of(leaf.der)
            same = pinned_as(shown, wanted)
        if wanted and not same:
            text = f"the server shows {shown}, pinned is {wanted}"
            return self.write.fail("server", "FINGERPRINT", text, fingerprint=shown)
        if is_test_certificate(leaf.der) and not self.loaded.settings.gateway.test_mode:
            text = f"the server shows the test certificate {shown}"
            return self.write.fail("server", "TEST_CERTIFICATE", text, fingerprint=shown)
        text = f"fingerprint {shown}, {'as pinned' if wanted else 'not pinned'}"
        return self.write.ok("server", text, fingerprint=shown)


_SHA256: Final = hashes.SHA256()


def _parsed(chain: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    found = []
    for der in chain:
        try:
            found.append(certificate(der))
        except ValueError:
            break  # what follows an unreadable certificate could not be placed
    return tuple(found)
