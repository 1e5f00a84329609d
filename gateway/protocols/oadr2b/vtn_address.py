"""Where a VEN takes what is pushed to it: its oadrTransportAddress."""

import re
from typing import Final

from gateway.protocols.oadr2b.messages import OadrCreatePartyRegistration
from gateway.protocols.oadr2b.options import BASE_PATH

_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(?:/[A-Za-z0-9._~-]+)*/?")
_LONGEST: Final = 1024


def may_push_to(address: str) -> bool:
    """Say whether something can be sent to an oadrTransportAddress."""
    return len(address) <= _LONGEST and bool(_ADDRESS.fullmatch(address))


def address_of(message: OadrCreatePartyRegistration) -> str:
    """Return where a VEN wants to be pushed to; empty for one that polls."""
    pushes = message.oadr_http_pull_model is False
    return message.oadr_transport_address or "" if pushes else ""


def root_of(address: str) -> str:
    """Cut the services' own path off an address: some VENs announce it with that, others without."""
    return address.rstrip("/").removesuffix(BASE_PATH).rstrip("/")
