"""The protocols that work, one line each."""

from typing import Final

from gateway.domain.protocol import ProtocolName
from gateway.protocols.entry import Entry
from gateway.protocols.oadr2b.entry import PROTOCOL as OADR20B
from gateway.protocols.sep2.entry import PROTOCOLS as SEP2

PROTOCOLS: Final[dict[ProtocolName, Entry]] = {entry.name: entry for entry in (OADR20B, *SEP2)}
"""Name -> what runs it; a name that is absent is not there yet."""
