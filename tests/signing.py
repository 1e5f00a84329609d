"""Keys, signers and hand-made signatures for tests of high security."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from lxml import etree

from certs.issue import Leaf, openadr
from gateway.domain.errors import IdentityError
from gateway.protocols import xml
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import EiResponse, Message, OadrPoll, OadrResponse
from gateway.protocols.oadr2b.signature.canonical import canonical
from gateway.protocols.oadr2b.signature.envelope import Opened, Trust, opened
from gateway.protocols.oadr2b.signature.keys import SigningKey, signing_key
from gateway.protocols.oadr2b.signature.names import DS, RSA_SHA1, SHA1, ds
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.signature.verify import STRICT, Policy
from gateway.protocols.xml import Element
from gateway.transport.schemas import load_oadr20b_schema
from tests.fakes import CountedIds

NOW: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
CODEC: Final = Codec(load_oadr20b_schema())
ECC: Final = openadr("ecc", NOW)
RSA: Final = openadr("rsa", NOW)
POLL: Final = CODEC.encode(OadrPoll(ven_id="ven-1"))
ANSWER: Final = CODEC.encode(OadrResponse(ei_response=EiResponse(request_id="r"), ven_id="ven-1"))


@dataclass(eq=False)
class Party:
    """Somebody with a certificate."""

    leaf: Leaf
    key: SigningKey = field(init=False)
    sealer: Sealer = field(init=False)

    def __post_init__(self) -> None:
        self.key = signing_key(self.leaf.chain_pem, self.leaf.key_pem)
        self.sealer = Sealer(self.key, CountedIds())

    @property
    def fingerprint(self) -> str:
        return self.leaf.fingerprint

    def sealed(self, body: bytes = POLL, now: datetime = NOW) -> bytes:
        return self.sealer.seal(body, now)

    def resigned(self, root: Element, *, sha1: bool = False) -> bytes:
        """Sign what stands in a document, whatever it is: digests of the parts named, then the value."""
        info = root.find(f".//{ds('SignedInfo')}")
        assert info is not None
        for reference in info.findall(ds("Reference")):
            _fill(root, reference, sha1=sha1)
        value = root.find(f".//{ds('SignatureValue')}")
        assert value is not None
        value.text = base64.b64encode(self._sign(canonical(info), sha1=sha1)).decode()
        return etree.tostring(root)

    def _sign(self, content: bytes, *, sha1: bool) -> bytes:
        if not sha1:
            return self.key.sign(content)
        private = self.key.private
        assert isinstance(private, rsa.RSAPrivateKey)
        return private.sign(content, PKCS1v15(), hashes.SHA1())


def _fill(root: Element, reference: Element, *, sha1: bool) -> None:
    uri = reference.get("URI", "")
    named = root.xpath("//*[@*[local-name()='Id' or local-name()='id']=$name]", name=uri[1:])
    if uri and isinstance(named, list) and named:
        content = canonical(named[0])  # type: ignore[arg-type]  # elements, as the expression says
    else:
        bare = xml.parse(etree.tostring(root))
        found = bare.find(ds("Signature"))
        assert found is not None
        assert not found.tail
        bare.remove(found)
        content = canonical(bare)
    digest = hashlib.sha1(content) if sha1 else hashlib.sha256(content)
    element = reference.find(ds("DigestValue"))
    assert element is not None
    element.text = base64.b64encode(digest.digest()).decode()


VEN: Final = Party(ECC.ven("ven-1"))
OTHER: Final = Party(ECC.ven("ven-2"))
VTN: Final = Party(RSA.vtn("localhost"))


def read(
    body: bytes,
    party: Party = VEN,
    *,
    policy: Policy = STRICT,
    required: bool = True,
    now: datetime = NOW,
) -> Opened:
    """Open a message as somebody who has this party's certificate on file."""
    trust = Trust(signers=(party.fingerprint,), policy=policy, required=required)
    return opened(CODEC, body, trust, now)


def message_of(body: bytes, party: Party = VEN, policy: Policy = STRICT) -> Message:
    """Return the message that is believed."""
    return read(body, party, policy=policy).message


def refusal(body: bytes, party: Party = VEN, policy: Policy = STRICT) -> str:
    """Return why a message is not believed; empty: it is."""
    try:
        read(body, party, policy=policy)
    except IdentityError as error:
        return error.reason
    return ""


def changed(body: bytes, change: Callable[[Element], object]) -> bytes:
    """Return a document with something changed after it was signed."""
    root = xml.parse(body)
    change(root)
    return etree.tostring(root)


def sha1_form(root: Element) -> None:
    """Name SHA-1 in every place."""
    for element in root.iter(ds("DigestMethod")):
        element.set("Algorithm", SHA1)
    for element in root.iter(ds("SignatureMethod")):
        element.set("Algorithm", RSA_SHA1)


__all__ = [
    "ANSWER",
    "CODEC",
    "DS",
    "ECC",
    "NOW",
    "OTHER",
    "POLL",
    "RSA",
    "VEN",
    "VTN",
    "Party",
    "ec",
]
