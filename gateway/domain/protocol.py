"""The protocols by the names used everywhere: configuration, JSON, metrics, provenance."""

from enum import StrEnum
from typing import Final


class ProtocolName(StrEnum):
    """A utility-side protocol and edition."""

    OADR20B = "oadr20b"
    OADR30 = "oadr30"
    OADR31 = "oadr31"
    SEP2 = "sep2"
    CSIP = "csip"
    CSIP_AUS = "csip_aus"


SEP2_FAMILY: Final = frozenset({ProtocolName.SEP2, ProtocolName.CSIP, ProtocolName.CSIP_AUS})
"""IEEE 2030.5 and its profiles."""
