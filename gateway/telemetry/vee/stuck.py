"""Rule 5: a meter that repeats itself for long may be stuck."""

from itertools import groupby

from gateway.telemetry.vee.series import Series


def stuck(series: Series) -> Series:
    """Flag runs of at least ``stuck_run`` equal non-zero neighbours; a capped load can do that, so values stay."""
    changes = {}
    runs = groupby(series.slots.items(), key=lambda item: item[1].energy_kwh)
    for energy_kwh, run in runs:
        members = list(run) if energy_kwh else []
        if len(members) >= series.options.stuck_run:
            changes.update({start: slot.flagged("stuck") for start, slot in members})
    return series.changed(changes)
