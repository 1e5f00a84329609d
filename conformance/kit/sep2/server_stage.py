"""Where a 2030.5 server is judged, as a protocol: scripted clients, and the server's operator behind the driver."""

from typing import Literal, Protocol

from conformance.kit.sep2.client import Client
from conformance.kit.sep2.operator import Operator
from conformance.kit.stage import Stage

Role = Literal["device", "aggregator"]


class ServerStage(Stage, Protocol):
    """A stage with the suite's clients and the server's operator."""

    @property
    def url(self) -> str:
        """Return the address of the server's DeviceCapability."""
        ...

    @property
    def client(self) -> Client:
        """Return the first client: a direct device; registered unless the case starts ``FRESH``."""
        ...

    @property
    def operator(self) -> Operator:
        """Return the server's operator."""
        ...

    async def another_client(
        self, name: str, role: Role = "device", *, registered: bool = True
    ) -> Client:
        """Return one more client with a certificate of its own.

        Args:
            name: Of the script; the LFDI is that of its certificate.
            role: A device that is registered gets the usual assignment; an aggregator manages what the script
                registers with ``manager`` = its LFDI.
            registered: Have the operator register it.
        """
        ...
