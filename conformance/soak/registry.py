"""The parts of the endurance run, one line each, in the order in which they are started."""

from collections.abc import Mapping
from typing import Final

from conformance.soak import (
    crash,
    failed_flush,
    forgeries,
    hostile,
    images,
    kill,
    simulate,
    store_faults,
    wrong,
)
from conformance.soak.row import Part

PARTS: Final[Mapping[str, Part]] = {
    forgeries.PART: forgeries.run,
    images.PART: images.run,
    failed_flush.PART: failed_flush.run,
    store_faults.PART: store_faults.run,
    crash.PART: crash.run,
    crash.PART_SEP2: crash.run_sep2,
    kill.PART: kill.run,
    wrong.PART: wrong.run,
    hostile.PART: hostile.run,
    simulate.PART: simulate.run,
}
"""Name -> part."""
