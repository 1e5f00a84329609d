"""OpenADR 2.0b as the registry knows it."""

from typing import Final

from pydantic import BaseModel

from gateway.domain.errors import MisuseError
from gateway.domain.protocol import ProtocolName
from gateway.protocols.entry import Entry, Scope, Tools
from gateway.protocols.oadr2b.client import VenSession
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.ven_recovery import recovered


def _session(options: BaseModel, scope: Scope, tools: Tools, state: bytes | None) -> VenSession:
    if not isinstance(options, VenOptions):
        raise MisuseError("WRONG_OPTIONS", "OpenADR 2.0b takes VenOptions")
    return VenSession(options, scope, tools, state)


PROTOCOL: Final = Entry(
    name=ProtocolName.OADR20B,
    options=VenOptions,
    session=_session,
    recover=recovered,
    schema_file="oadr_20b.xsd",
)
