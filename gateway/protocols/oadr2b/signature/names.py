"""Names and algorithms of XML signatures, as far as OpenADR 2.0b uses them."""

from typing import Final

from gateway.protocols.oadr2b.names import PAYLOAD, SIGNED_OBJECT, qualified

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
DSP: Final = "http://openadr.org/oadr-2.0b/2012/07/xmldsig-properties"

ROOT: Final = qualified(PAYLOAD)
OBJECT: Final = qualified(SIGNED_OBJECT)
OBJECT_ID: Final = qualified("oadr:Id")

C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_COMMENTS: Final = f"{C14N}#WithComments"
ENVELOPED: Final = f"{DS}enveloped-signature"

SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1: Final = f"{DS}sha1"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
RSA_SHA1: Final = f"{DS}rsa-sha1"
ECDSA_SHA1: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"


def ds(name: str) -> str:
    """Return a name of XML signatures as lxml speaks it."""
    return f"{{{DS}}}{name}"


def dsp(name: str) -> str:
    """Return a name of OpenADR's signature properties as lxml speaks it."""
    return f"{{{DSP}}}{name}"
