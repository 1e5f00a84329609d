"""What a lab tells the reference VEN before it starts."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

BASE_PATH: Final = "/OpenADR2/Simple/2.0b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reference VEN."""

    url: str
    """The VTN's, up to the service name: ``https://host:port/OpenADR2/Simple/2.0b``."""
    client_tls: ssl.SSLContext | None = None
    """None: plain HTTP, on loopback only."""
    ven_name: str = "reference-ven"
    ven_id: str = ""
    """Pre-allocated venID; empty: the VTN gives one."""
    vtn_id: str = ""
    """Expected vtnID; empty: as the VTN names itself when it registers this VEN."""
    query_first: bool = True
    push: bool = False
    listen_port: int = 0
    """Port of the push endpoints on loopback, 0 for any free one."""
    server_tls: ssl.SSLContext | None = None
    signing_key: bytes = field(default=b"", repr=False)
    """PEM of the key that signs messages, on an elliptic curve; empty: nothing is signed (standard security)."""
    certificate: bytes = b""
    """PEM of its certificate."""
    vtn_certificate: bytes = b""
    """PEM of the certificate by which the VTN signs."""
    resource: str = "reference-site"
    groups: tuple[str, ...] = ("reference-group",)
    contexts: tuple[str, ...] = (
        "http://gridgate.example/program",
        "http://gridgate.example/second-program",
    )
    """Market contexts in which this VEN takes part."""
    device_class: str = "Managed_Commercial_and_Industrial_Loads"
    load_w: int = 120_000
    """What the made-up site draws; every reported value is simulated."""
    poll: timedelta = timedelta(seconds=10)
    """Used when the VTN asks for no period."""
    first_poll_jitter: bool = False
    timeout_s: float = 30.0
    longest_pause: timedelta = timedelta(minutes=1)
    """Between two tries of one message."""
    fastest_sample: timedelta = timedelta(seconds=10)
    """oadrMinPeriod of telemetry."""
    slowest_sample: timedelta = timedelta(hours=1)
    kept_points: int = 120
    """Points of history at hand, one each minute."""
    extra: dict[str, str] = field(default_factory=dict)
    """For drivers: nothing in here is read by the device."""
