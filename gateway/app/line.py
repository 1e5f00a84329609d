"""The line to one utility: connections and signing key out of one set of files, exchanged together when those change.

Before each message the files are looked at. When certificate, key and anchor have changed, they are read and judged as
one unit; what is wrong with them leaves the old unit in use and is told (R-TLS-2). From then on messages go out over
new connections, signed with the new key; what is under way ends on the old ones. The session notices nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from pydantic import BaseModel

from gateway.app.watched import Watched, judge
from gateway.config.load import Loaded
from gateway.config.settings import UtilitySection
from gateway.domain.errors import ConfigError, GatewayError
from gateway.domain.ports import Clock, Ids
from gateway.domain.protocol import SEP2_FAMILY
from gateway.northbound.exchange import HttpExchange, pinned
from gateway.northbound.ports import Exchange
from gateway.northbound.sealing import Sealing
from gateway.northbound.sep2_exchange import Sep2Exchange, pinned_device
from gateway.protocols.actions import Message, Reply, Send
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.transport.client import Bounds, PeerClient
from gateway.transport.connector import MOST_CONNECTIONS
from gateway.transport.profiles import client_context
from gateway.transport.sep2_tls import Sep2Profile, judge_chain
from gateway.transport.tls import TlsFiles

log = structlog.get_logger()


@dataclass(eq=False, slots=True, kw_only=True)
class _Unit:
    """One identity in use."""

    client: PeerClient
    exchange: Exchange
    sealing: Sealing | None
    users: int = 0
    retired: bool = False


class Line:
    """Sends to one utility, as ``northbound.ports.Exchange`` has it.

    Args:
        loaded: The configuration.
        section: The utility.
        options: Its protocol's own settings.
        clock: Time.
        ids: Source of nonces.

    Raises:
        ConfigError: the files cannot be used, or ``SIGNING_KEY``: not for signatures.
    """

    def __init__(
        self, loaded: Loaded, section: UtilitySection, options: BaseModel, clock: Clock, ids: Ids
    ) -> None:
        self._loaded = loaded
        self._section = section
        self._connections = MOST_CONNECTIONS
        if isinstance(options, Sep2Options):
            self._connections = options.connections
        self._signs = isinstance(options, VenOptions) and options.xml_signature
        self._clock = clock
        self._ids = ids
        files = self._files
        paths = (files.certificate, files.key, files.ca) if files else ()
        self._watched = Watched(paths, clock)
        self._units = [self._make()]

    async def __call__(self, send: Send) -> Message:
        """Return the answer to a message, which is signed where that was agreed.

        Raises:
            TransportError: as ``HttpExchange``; ``SIGNING``.
        """
        await self._look()
        unit = self._units[-1]
        unit.users += 1
        try:
            return await unit.exchange(send)
        finally:
            unit.users -= 1
            await self._clear()

    async def reply(self, reply: Reply) -> Reply:
        """Return the answer to a request of the utility as it goes out.

        Raises:
            TransportError: ``SIGNING``.
        """
        await self._look()
        sealing = self._units[-1].sealing
        return await sealing.reply(reply) if sealing else reply

    def look_again(self) -> None:
        """Try files that were refused once more at the next message, whether or not they changed."""
        self._watched.again()

    async def close(self) -> None:
        """Close every connection."""
        for unit in self._units:
            await unit.client.close()

    # --- exchanging

    @property
    def _files(self) -> TlsFiles | None:
        section, path = self._section, self._loaded.path
        if not section.url.startswith("https://"):
            return None
        if not (section.certificate and section.key and section.ca):
            raise ConfigError((f"utility {section.name}: certificate, key and ca are needed",))
        return TlsFiles(
            certificate=path(section.certificate), key=path(section.key), ca=path(section.ca)
        )

    def _make(self) -> _Unit:
        section, files = self._section, self._files
        context, sealing = None, None
        if files is not None:
            context = client_context(section.tls_profile, files, host_names=section.check_host_name)
        if self._signs:
            sealing = Sealing(seal=self._sealer(), clock=self._clock)
        client = PeerClient(
            section.url,
            context,
            self._clock,
            total_s=section.request_timeout_s,
            test_mode=self._loaded.settings.gateway.test_mode,
            bounds=Bounds(connections=self._connections),
            admit=judge_of_peers(self._section),
        )
        exchange: Exchange = HttpExchange(client=client)
        if section.protocol in SEP2_FAMILY:
            exchange = Sep2Exchange(client=client, root=section.url)
        return _Unit(
            client=client,
            exchange=sealing.around(exchange) if sealing else exchange,
            sealing=sealing,
        )

    def _sealer(self) -> Sealer:
        section, path = self._section, self._loaded.path
        if not (section.certificate and section.key):
            fault = f"utility {section.name}: xml_signature needs certificate and key; name both"
            raise ConfigError((fault,), "SIGNING_KEY")
        try:
            chain, key = path(section.certificate).read_bytes(), path(section.key).read_bytes()
        except OSError as error:
            fault = f"utility {section.name}: {error.filename}: {error.strerror}; give PEM files"
            raise ConfigError((fault,), "SIGNING_KEY") from None
        return Sealer(signing_key(chain, key), self._ids)

    async def _look(self) -> None:
        """Take over files that have changed since they were read."""
        mark = self._watched.changed()
        if mark is None:
            return
        try:
            self._judge()
            fresh = self._make()
        except (GatewayError, ValueError, OSError) as error:
            self._watched.refuse(mark)
            log.error("certificate_not_taken", utility=self._section.name, why=str(error))
            return
        if (
            mark != self._watched.mark()
        ):  # exchanged one by one: the next message finds them complete
            await fresh.client.close()
            return
        self._watched.take(mark)
        self._units[-1].retired = True
        self._units.append(fresh)
        log.info("certificate_exchanged", utility=self._section.name)
        await self._clear()

    def _judge(self) -> None:
        files, test_mode = self._files, self._loaded.settings.gateway.test_mode
        if files is not None:
            judge(files.certificate, (files.ca,), self._clock.now(), test_mode=test_mode)

    async def _clear(self) -> None:
        """Close what nobody uses any more."""
        idle = [unit for unit in self._units if unit.retired and not unit.users]
        self._units = [unit for unit in self._units if unit not in idle]
        for unit in idle:
            await unit.client.close()


def judge_of_peers(section: UtilitySection) -> Callable[[Sequence[bytes]], None] | None:
    """Return what judges the chain that a utility shows; None: the handshake says enough."""
    expected = section.server_fingerprint
    if section.protocol not in SEP2_FAMILY:
        return pinned(expected) if expected else None
    profile = Sep2Profile(section.tls_profile)
    only = pinned_device(expected) if expected else None

    def judge_peer(chain: Sequence[bytes]) -> None:
        judge_chain(chain, profile)
        if only is not None:
            only(chain)

    return judge_peer
