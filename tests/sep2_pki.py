"""Identities of a 2030.5 hierarchy as files, and a handshake in memory."""

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from certs.sep2.hierarchy import Sep2Leaf, Sep2Pki
from gateway.transport.tls import TlsFiles, admit_peers


def files(folder: Path, name: str, leaf: Sep2Leaf, pki: Sep2Pki) -> TlsFiles:
    """Write an identity down."""
    found = TlsFiles(
        certificate=folder / f"{name}.pem", key=folder / f"{name}.key", ca=folder / "root.pem"
    )
    found.certificate.write_bytes(leaf.chain_pem)
    found.key.write_bytes(leaf.key_pem)
    found.ca.write_bytes(pki.anchor_pem)
    return found


def shake(
    client: ssl.SSLContext,
    server: ssl.SSLContext,
    admit: Callable[[Sequence[bytes]], None] | None = None,
) -> ssl.SSLObject:
    """Carry out a handshake and return the client's end of it; raises ``ssl.SSLError`` of whichever side refuses."""
    if admit is not None:
        admit_peers(server, admit)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(there, back, server_hostname="localhost")
    theirs = server.wrap_bio(back, there, server_side=True)
    open_ends = [ours, theirs]
    for _ in range(20):
        for end in list(open_ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            open_ends.remove(end)
        if not open_ends:
            return ours
    raise AssertionError("the handshake does not end")
