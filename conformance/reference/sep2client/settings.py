"""What a lab tells the reference client."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is decided before it starts."""

    url: str
    """Of DeviceCapability: the one address that is not found by a link."""
    lfdi: str
    """Of its own certificate."""
    tls: ssl.SSLContext | None = None
    """None: plain HTTP, on loopback only."""
    pin: int = 111115
    aggregator: bool = False
    """True: it acts for every EndDevice in the list but its own."""
    csip_aus: bool = False
    nmi: str = "6203778594"
    """Of its meter, for the ConnectionPoint of CSIP-AUS."""
    category: int = 1 << 23
    """deviceCategory: PV with storage."""
    max_w: int = 120_000
    """Rating, W; more than an Int16 holds without a multiplier."""
    storage_wh: int = 0
    """Energy that its storage holds when it is full; 0: it does not tell of a storage."""
    modes: tuple[str, ...] = (
        "opModConnect",
        "opModEnergize",
        "opModFixedPFInjectW",
        "opModFixedVar",
        "opModFixedW",
        "opModFreqDroop",
        "opModFreqWatt",
        "opModHFRTMustTrip",
        "opModHVRTMustTrip",
        "opModLFRTMustTrip",
        "opModLVRTMustTrip",
        "opModMaxLimW",
        "opModTargetW",
        "opModVoltVar",
        "opModVoltWatt",
    )
    """Elements of a DERControlBase that it can carry out; those of CSIP-AUS too where it is on."""
    subscribes: bool = True
    """It subscribes to what the server lets it; False: it polls everything."""
    listen_tls: ssl.SSLContext | None = None
    """Its identity as a listener for notifications; None: it has none, and subscribes to nothing."""
    timeout_s: float = 30.0
    longest_pause_s: int = 60
    """Between two tries of what failed."""
    look_s: int = 2
    """So long before it starts an event is read once more."""
