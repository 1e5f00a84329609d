"""What the utility's operator may do, all together; and look at what came.

Ids are the operator's own words; the server makes numbers and mRIDs for them.
"""

from collections.abc import Mapping

from conformance.reference.sep2server.admitting import DeviceActs
from conformance.reference.sep2server.grouping import ProgramActs
from conformance.reference.sep2server.pricing import PriceActs
from conformance.reference.sep2server.publishing import ControlActs
from conformance.reference.sep2server.rates import USUAL
from conformance.reference.sep2server.stored import stored
from gateway.domain.errors import MisuseError


class Operator(DeviceActs, ProgramActs, ControlActs, PriceActs):
    """The operator's desk."""

    def cancel(self, control_id: str, *, randomly: bool = False) -> None:
        """Cancel a control, perhaps with randomisation, or a price."""
        self.cancel_control(control_id, randomly=randomly)
        self.cancel_price(control_id)

    def set_rates(self, what: str, poll_s: int) -> None:
        """Set the pollRate of a kind of resource.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``: this kind has none.
        """
        if what not in USUAL:
            raise MisuseError("UNKNOWN_RESOURCE", f"{what} has no pollRate")
        self.memory.rates[what] = poll_s
        self.changed()

    def allow_connection_point(self, *, on: bool) -> None:
        """Let devices change their ConnectionPoint, or not."""
        self.memory.connection_points_change = on

    def posted(self, lfdi: str, what: str) -> Mapping[str, str]:
        """Return what a device told, see ``stored``."""
        return stored(self.memory, self.device(lfdi), what)
