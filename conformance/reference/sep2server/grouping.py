"""What the operator does with groups of devices and with the programs for them."""

from dataclasses import replace

from conformance.kit.sep2.values import Assignment, Content, Program
from conformance.reference.sep2server.acts import Acts
from conformance.reference.sep2server.state import HeldAssignment, HeldCurve, HeldProgram


class ProgramActs(Acts):
    """Assignments and programs."""

    def put_assignment(self, assignment: Assignment, *lfdis: str) -> None:
        """Add or replace an assignment, and give it to devices."""
        before = self.memory.assignments.get(assignment.id)
        self.memory.assignments[assignment.id] = HeldAssignment(
            number=before.number if before else self._mint.number(),
            mrid=before.mrid if before else self._mint.mrid(),
            programs=assignment.programs,
            tariffs=before.tariffs if before else (),
            version=before.version + 1 if before else 0,
        )
        for lfdi in lfdis:
            device = self.device(lfdi)
            device.assignments = list(dict.fromkeys((*device.assignments, assignment.id)))
        self.changed()

    def drop_assignment(self, assignment_id: str) -> None:
        """Take an assignment from every device."""
        del self.memory.assignments[assignment_id]
        for device in self.memory.devices.values():
            device.assignments = [a for a in device.assignments if a != assignment_id]
        self.changed()

    def put_program(self, program: Program, *, assigned: str = "") -> None:
        """Add or replace a program, perhaps in an assignment."""
        before = self.memory.programs.get(program.id)
        held = before or HeldProgram(
            number=self._mint.number(),
            mrid=self._mint.mrid(),
            default_mrid=self._mint.mrid(),
            program=program,
        )
        if before is not None:
            _change(before, program)
        for curve in program.curves:
            if curve.id not in held.curves:
                held.curves[curve.id] = HeldCurve(
                    number=self._mint.number(), mrid=self._mint.mrid(), created=self.now()
                )
        self.memory.programs[program.id] = held
        if assigned:
            given = self.memory.assignments[assigned]
            given.programs = tuple(dict.fromkeys((*given.programs, program.id)))
        self.changed()

    def drop_program(self, program_id: str) -> None:
        """Remove a program from every assignment."""
        del self.memory.programs[program_id]
        for given in self.memory.assignments.values():
            given.programs = tuple(p for p in given.programs if p != program_id)
        self.changed()

    def put_default(
        self, program_id: str, default: Content | None, settings: Content | None = None
    ) -> None:
        """Replace what holds in a program while no control does; None: nothing does."""
        program = self.memory.programs[program_id].program
        self.put_program(replace(program, default=default, default_settings=settings or {}))


def _change(held: HeldProgram, program: Program) -> None:
    """Replace a program; what changed counts one version up."""
    old = held.program
    if (old.default, old.default_settings) != (program.default, program.default_settings):
        held.default_version += 1
    if old.primacy != program.primacy:
        held.version += 1
    held.program = program
    held.curves = {c.id: held.curves[c.id] for c in program.curves if c.id in held.curves}
