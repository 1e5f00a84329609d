"""Wrong identities that the suite may show as a client, when it pushes to a VEN."""

import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from certs.issue import OpenAdrPki
from conformance.faults import disguise

MASKS: Final[Mapping[str, disguise.Show | None]] = {
    "expired": disguise.expired,
    "not_yet_valid": disguise.not_yet_valid,
    "wrong_authority": disguise.wrong_authority,
    "nobody": None,
}
"""Name -> what is shown; None: no certificate at all."""


class Masks:
    """The client contexts of a hierarchy, each made once.

    Args:
        pki: That the device trusts.
    """

    def __init__(self, pki: OpenAdrPki) -> None:
        self._pki = pki
        self._made: dict[str, ssl.SSLContext] = {}

    def __call__(self, name: str) -> ssl.SSLContext:
        """Return the context that shows so; it takes any server for good, as it is about the client."""
        if name not in self._made:
            self._made[name] = self._make(MASKS[name])
        return self._made[name]

    def _make(self, show: disguise.Show | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:AES128-SHA256:@SECLEVEL=0")
        if show is not None:
            chain, key = show(self._pki)
            with tempfile.NamedTemporaryFile(suffix=".pem") as file:
                Path(file.name).write_bytes(key + chain)
                context.load_cert_chain(file.name)
        return context
