"""The parts of the endurance run, one line each, in the order in which they are started."""

from collections.abc import Mapping
from typing import Final

from conformance.soak import forgeries, images
from conformance.soak.row import Part

PARTS: Final[Mapping[str, Part]] = {
    forgeries.PART: forgeries.run,
    images.PART: images.run,
}
"""Name -> part."""
