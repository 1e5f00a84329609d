"""What goes with a device when it goes."""

from conformance.reference.sep2server.state import Memory


def forget(memory: Memory, lfdi: str) -> None:
    """Forget a device with its meters and subscriptions; what it answered to events stays for the record."""
    del memory.devices[lfdi]
    for number in [n for n, mirror in memory.mirrors.items() if mirror.lfdi == lfdi]:
        del memory.mirrors[number]
    for number in [n for n, one in memory.subscriptions.items() if one.lfdi == lfdi]:
        del memory.subscriptions[number]
    for device in memory.devices.values():
        device.manager = "" if device.manager == lfdi else device.manager
