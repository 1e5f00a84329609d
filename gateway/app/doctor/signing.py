"""High security as the doctor looks at it: may we sign, and does the utility sign what it answers?"""

from dataclasses import dataclass

from gateway.app.doctor.finding import Finding
from gateway.app.doctor.link import Link
from gateway.domain.errors import ConfigError
from gateway.domain.ports import Clock, Ids
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.protocols.oadr2b.messages import Message
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signature.envelope import Trust, opened
from gateway.protocols.oadr2b.signature.keys import SigningKey, signing_key
from gateway.protocols.oadr2b.signature.replay import NOTHING_SEEN, ReplayWindow
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.signature.verify import Policy
from gateway.protocols.oadr2b.ven_security import window
from gateway.transport.client import Answer

_METHODS = {"rsa-sha256": "RSA with SHA-256", "ecdsa-sha256": "ECDSA with SHA-256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """What signs our questions and verifies the answers.

    Args:
        sealer: With our key.
        options: What is believed.
        codec: Reads the answers.
        clock: Time.
        seen: Answers of this examination.
    """

    sealer: Sealer
    options: VenOptions
    codec: Codec
    clock: Clock
    seen: ReplayWindow

    def seal(self, body: bytes) -> bytes:
        """Return a message as it goes out."""
        return self.sealer.seal(body, self.clock.now())

    def read(self, answer: Answer) -> Message:
        """Return an answer that may be believed.

        Raises:
            WireError: it is no message.
            IdentityError: ``SIGNATURE_…`` or ``REPLAY_…``.
        """
        options, now = self.options, self.clock.now()
        shown = (fingerprint(answer.peer_der),) if answer.peer_der else ()
        policy = Policy(sha1=options.signature_sha1, signature_last=options.signature_last)
        trust = Trust(signers=options.signature_fingerprints or shown, policy=policy)
        found = opened(self.codec, answer.body, trust, now)
        if found.stamp is not None:
            self.seen.admit(found.signer, found.stamp, now)
        return found.message


def secured(link: Link, options: VenOptions, codec: Codec, ids: Ids) -> Secured | None:
    """Make what a utility with high security needs; None without high security, or while we cannot sign."""
    if not options.xml_signature:
        return None
    try:
        sealer = Sealer(_key(link), ids)
    except ConfigError:
        return None
    return Secured(
        sealer=sealer,
        options=options,
        codec=codec,
        clock=link.clock,
        seen=window(options, NOTHING_SEEN),
    )


def signing(link: Link, options: VenOptions) -> list[Finding]:
    """Tell whether our messages can be signed."""
    if not options.xml_signature:
        return []
    try:
        key = _key(link)
    except ConfigError as error:
        return link.write.faults("signing", error)
    method = _METHODS[key.method.partition("#")[2]]
    text = f"messages are signed with {method}, certificate {key.peer.fingerprint}"
    return [link.write.ok("signing", text, method=method, fingerprint=key.peer.fingerprint)]


def _key(link: Link) -> SigningKey:
    """Read our key.

    Raises:
        ConfigError: ``SIGNING_KEY``.
    """
    section, path = link.section, link.loaded.path
    if not (section.certificate and section.key):
        raise ConfigError(("certificate and key are needed; name both",), "SIGNING_KEY")
    try:
        chain, key = path(section.certificate).read_bytes(), path(section.key).read_bytes()
    except OSError as error:
        fault = f"{error.filename}: {error.strerror}; give PEM files that this user may read"
        raise ConfigError((fault,), "SIGNING_KEY") from None
    return signing_key(chain, key)
