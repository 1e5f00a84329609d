"""IEEE 2030.5 in its three names: the standard itself, CSIP and CSIP-AUS differ in what holds unless it is said."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from gateway.domain.errors import MisuseError
from gateway.domain.protocol import ProtocolName
from gateway.protocols.entry import Entry, Scope, Tools
from gateway.protocols.sep2.client.options import CsipAusOptions, CsipOptions, Sep2Options
from gateway.protocols.sep2.client.session import Sep2Session
from gateway.protocols.sep2.client.state import recovered
from gateway.protocols.session import Session

_OPTIONS: Final[Mapping[ProtocolName, type[Sep2Options]]] = {
    ProtocolName.SEP2: Sep2Options,
    ProtocolName.CSIP: CsipOptions,
    ProtocolName.CSIP_AUS: CsipAusOptions,
}


def _entry(name: ProtocolName) -> Entry:
    def session(options: BaseModel, scope: Scope, tools: Tools, stored: bytes | None) -> Session:
        if not isinstance(options, Sep2Options):
            raise MisuseError("WRONG_OPTIONS", f"{type(options).__name__} are no options of {name}")
        return Sep2Session(options, scope, tools, name, stored)

    return Entry(name=name, options=_OPTIONS[name], session=session, recover=recover)


def recover(stored: bytes, at: datetime) -> bytes:
    """Make the state out of a restored backup fit for the present: nothing that it was about to say is said.

    What it knew of events stays: the server still lists those that run, and each of their answers was either given
    after the backup, and is then known to the server, or comes once more, which a server takes.
    """
    return recovered(stored)


PROTOCOLS: Final = tuple(map(_entry, _OPTIONS))
