"""TLS profiles by the names of the configuration: which protocol may use which, and the client's context of each."""

import ssl
from collections.abc import Mapping
from typing import Final, Literal

from gateway.domain.protocol import ProtocolName
from gateway.transport.sep2_tls import Sep2Profile, sep2_client
from gateway.transport.tls import TlsFiles, TlsProfile, openadr_client

ProfileName = Literal["modern", "certification", "sep2", "csip", "csip_aus_cloud"]

_OPENADR: Final[tuple[ProfileName, ...]] = ("modern", "certification")
PROFILES_OF: Final[Mapping[ProtocolName, tuple[ProfileName, ...]]] = {
    ProtocolName.OADR20B: _OPENADR,
    ProtocolName.OADR30: _OPENADR,
    ProtocolName.OADR31: _OPENADR,
    ProtocolName.SEP2: ("sep2", "csip", "csip_aus_cloud"),
    ProtocolName.CSIP: ("csip", "sep2"),
    ProtocolName.CSIP_AUS: ("sep2", "csip", "csip_aus_cloud"),
}
"""Protocol -> its profiles, the default first."""


def client_context(
    profile: ProfileName, files: TlsFiles, *, host_names: bool = True
) -> ssl.SSLContext:
    """Make the context under which we connect to a utility.

    Args:
        profile: By its name.
        files: Our identity and the utility's trust anchor.
        host_names: Switch off only where the server is pinned instead.

    Raises:
        ConfigError: a file is missing or is no certificate, key or anchor, or a suite is lacking.
    """
    if profile in set(Sep2Profile):
        return sep2_client(files, Sep2Profile(profile), host_names=host_names)
    return openadr_client(files, TlsProfile(profile), host_names=host_names)
