"""What the operator does with devices: in, out, their PINs and rates."""

from conformance.kit.sep2.values import Account
from conformance.reference.sep2server.acts import Acts
from conformance.reference.sep2server.removing import forget
from conformance.reference.sep2server.state import Device
from gateway.domain.errors import MisuseError


class DeviceActs(Acts):
    """Devices."""

    def register(self, account: Account, *, manager: str = "") -> None:
        """Register a device out of band, or replace what is known of it.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        unknown = set(account.assignments) - self.memory.assignments.keys()
        if unknown:
            raise MisuseError("UNKNOWN_RESOURCE", f"there is no {', '.join(sorted(unknown))}")
        now = self.now()
        lfdi = account.lfdi.upper()
        before = self.memory.devices.get(lfdi)
        self.memory.devices[lfdi] = Device(
            number=before.number if before else self._mint.number(),
            lfdi=lfdi,
            registered=before.registered if before else now,
            changed=now,
            manager=manager.upper(),
            pin=account.pin,
            ders=account.ders,
            post_s=account.post_s,
            enabled=account.enabled,
            content=account.content,
            assignments=list(account.assignments),
        )
        self.changed()

    def register_aggregator(self, lfdi: str) -> None:
        """Register a client that acts for other devices."""
        now = self.now()
        before = self.memory.devices.get(lfdi.upper())
        self.memory.devices[lfdi.upper()] = Device(
            number=before.number if before else self._mint.number(),
            lfdi=lfdi.upper(),
            registered=now,
            changed=now,
            aggregator=True,
            ders=0,
        )
        self.changed()

    def remove(self, lfdi: str) -> None:
        """Remove a device."""
        forget(self.memory, self.device(lfdi).lfdi)
        self.changed()

    def set_pin(self, lfdi: str, pin: int) -> None:
        """Give a device a PIN."""
        self.device(lfdi).pin = pin
        self._touch(lfdi)

    def set_enabled(self, lfdi: str, *, enabled: bool) -> None:
        """Switch a device's registration on or off."""
        self.device(lfdi).enabled = enabled
        self._touch(lfdi)

    def set_post_rate(self, lfdi: str, post_s: int) -> None:
        """Say how often a device is to tell what it measures."""
        self.device(lfdi).post_s = post_s
        self._touch(lfdi)

    def _touch(self, lfdi: str) -> None:
        self.device(lfdi).changed = self.now()
        self.changed()
