"""What the operator does with controls."""

from collections.abc import Iterator
from dataclasses import replace

from conformance.kit.sep2.values import Control
from conformance.reference.sep2server.acts import Acts
from conformance.reference.sep2server.events import latest
from conformance.reference.sep2server.state import HeldControl
from conformance.reference.sep2server.times import whole


class ControlActs(Acts):
    """Controls."""

    def publish(self, program_id: str, *controls: Control) -> None:
        """Add controls to a program, or replace those of the same id."""
        now = self.now()
        held = self.memory.programs[program_id].controls
        for control in controls:
            before = next((one for one in held.values() if one.control.id == control.id), None)
            one = before or HeldControl(
                number=self._mint.number(),
                mrid=self._mint.mrid(),
                control=control,
                created=whole(control.created or now),
            )
            one.version += 1 if before else 0
            one.control = replace(control, start=whole(control.start))
            held[one.number] = one
            self.memory.events.add(one.mrid)
        self.changed()

    def cancel_control(self, control_id: str, *, randomly: bool = False) -> None:
        """Cancel a control; what is over already stays as it was."""
        now = self.now()
        for one in self._controls(control_id):
            if one.cancelled_at is None and now < latest(one.control):
                one.cancelled_at, one.randomly = now, randomly
        self.changed()

    def withdraw(self, control_id: str) -> None:
        """Drop a control from its list without a word."""
        for one in self._controls(control_id):
            one.withdrawn_at = self.now()
        self.changed()

    def _controls(self, control_id: str) -> Iterator[HeldControl]:
        for program in self.memory.programs.values():
            for one in program.controls.values():
                if one.control.id == control_id:
                    yield one
