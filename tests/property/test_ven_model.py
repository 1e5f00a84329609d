"""Random deliveries, changes, cancellations, decisions and restarts, against a small model of what must follow."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from tests.oadr2b_world import HOUR, NOW, Dice, World, cancelled, event, listing

IDS = ("a", "b", "c")
names = st.sampled_from(IDS)
WORDS = {Opt.IN: "optIn", Opt.OUT: "optOut"}


@dataclass
class Theirs:
    """An event as the VTN has it."""

    version: int = 0
    cancelled: bool = False
    required: bool = True
    spread: int = 0


@dataclass
class Ours:
    """What the VEN must believe about an event."""

    version: int
    alive: bool
    final: bool = False
    """Cancelled in words: nothing brings it back."""
    opt: str = ""
    """Last answer; empty: undecided."""
    spread: int = 0
    owed: list[str] = field(default_factory=list)


class VenModel(RuleBasedStateMachine):
    """The machine."""

    @initialize()
    def start(self) -> None:
        self.world = World(
            options=VenOptions(query_first=False), decide=lambda _: None, dice=Dice()
        )
        self.world.settle()
        self.theirs: dict[str, Theirs] = {}
        self.ours: dict[str, Ours] = {}
        self.expected: list[tuple[str, int, str, str, str]] = []
        self.delivered = 0
        self.offsets: dict[tuple[str, int], set[float]] = {}

    # --- what the VTN does

    @rule(name=names, required=st.booleans(), spread=st.sampled_from([0, 60]))
    def publish(self, name: str, required: bool, spread: int) -> None:
        self.theirs.setdefault(name, Theirs(required=required, spread=spread))

    @rule(name=names, spread=st.sampled_from([None, 0, 60, 120]))
    def modify(self, name: str, spread: int | None) -> None:
        theirs = self.theirs.get(name)
        if theirs is not None and not theirs.cancelled:
            theirs.version += 1
            theirs.spread = theirs.spread if spread is None else spread

    @rule(name=names)
    def cancel(self, name: str) -> None:
        theirs = self.theirs.get(name)
        if theirs is not None and not theirs.cancelled:
            theirs.version += 1
            theirs.cancelled = True

    @rule(leave_out=st.sets(names), stale=st.sets(names))
    def deliver(self, leave_out: set[str], stale: set[str]) -> None:
        self.delivered += 1
        request_id = f"d{self.delivered}"
        listed = {}
        for name, theirs in self.theirs.items():
            if name not in leave_out:
                old = name in stale and theirs.version > 0 and not theirs.cancelled
                listed[name] = (theirs.version - 1 if old else theirs.version, theirs)
        events = [self._event(name, version, theirs) for name, (version, theirs) in listed.items()]
        for name, (version, theirs) in listed.items():
            self._expect(name, version, theirs, request_id)
        for name, ours in self.ours.items():
            if name not in listed and ours.alive:
                ours.alive = False
                ours.owed = []
        self.world.poll(listing(*events, request_id=request_id))

    def _event(self, name: str, version: int, theirs: Theirs) -> wire.OadrEvent:
        made = event(
            name,
            version,
            start=NOW + 1000 * HOUR,
            required=theirs.required,
            startafter=timedelta(seconds=theirs.spread) if theirs.spread else None,
        )
        return cancelled(made, version) if theirs.cancelled else made

    def _expect(self, name: str, version: int, theirs: Theirs, request_id: str) -> None:
        answer = self._judge(name, version, theirs, request_id)
        if answer is not None and theirs.required:
            self.expected.append((name, version, *answer, request_id))

    def _judge(
        self, name: str, version: int, theirs: Theirs, request_id: str
    ) -> tuple[str, str] | None:
        ours = self.ours.get(name)
        if ours is not None and version < ours.version:
            return ("450", "optOut")
        if theirs.cancelled:
            spread = ours.spread if ours else 0
            self.ours[name] = Ours(version, alive=False, final=True, spread=spread)
            return ("200", "optIn")
        if ours is not None and ours.final:
            return ("450", "optOut")
        if ours is not None and version == ours.version:
            if ours.alive and not ours.opt:
                ours.owed += [request_id] if theirs.required else []
                return None
            return ("200", ours.opt if ours.alive else "optOut")
        fresh = Ours(version, alive=True, spread=theirs.spread)
        fresh.owed = [request_id] if theirs.required else []
        self.ours[name] = fresh
        return None

    # --- what the site and the process do

    @rule(name=names, opt=st.sampled_from([Opt.IN, Opt.OUT]))
    def decide(self, name: str, opt: Opt) -> None:
        ours = self.ours.get(name)
        version = ours.version if ours else 0
        if ours is not None and ours.alive and ours.opt != WORDS[opt]:
            required = self.theirs[name].required
            if required and (ours.owed or ours.opt):
                ids = ours.owed[-8:] or [self._last_delivery(name)]
                self.expected += [(name, version, "200", WORDS[opt], each) for each in ids]
            ours.opt, ours.owed = WORDS[opt], []
        self.world.answer(name, opt, version)

    def _last_delivery(self, name: str) -> str:
        return self.last_listed[name]

    @rule()
    def restart(self) -> None:
        """A restart asks for the events once; the VTN answers with an error, so that nothing follows from it."""
        self.world.vtn.script(wire.OadrRequestEvent, listing(code="500"))
        self.world.restart()
        self.world.settle()

    # --- what must hold

    @property
    def last_listed(self) -> dict[str, str]:
        """The last delivery at which each event was listed alive, from the messages themselves."""
        found: dict[str, str] = {}
        for emit in self.world.polled:
            for each in emit.oadr_events:
                descriptor = each.ei_event.event_descriptor
                ours = self.ours.get(descriptor.event_id)
                if ours is not None and descriptor.modification_number == ours.version:
                    found[descriptor.event_id] = emit.request_id
        return found

    @invariant()
    def every_answer_is_as_expected(self) -> None:
        if hasattr(self, "world"):
            assert sorted(self.world.responses()) == sorted(self.expected)

    @invariant()
    def the_inside_knows_what_holds(self) -> None:
        if not hasattr(self, "world"):
            return
        newest = {}
        for found in self.world.emitted:
            newest[str(found.event_id)] = found
        for name, ours in self.ours.items():
            if ours.alive:
                assert newest[name].version == ours.version
                assert newest[name].cancelled_at is None
            elif name in newest:
                assert newest[name].cancelled_at is not None

    @invariant()
    def a_delay_is_drawn_once_per_startafter(self) -> None:
        if hasattr(self, "world"):
            last: dict[str, tuple[timedelta, timedelta]] = {}
            for found in self.world.emitted:
                name = str(found.event_id)
                if name in last and last[name][0] == found.randomise:
                    assert found.offset == last[name][1]
                last[name] = (found.randomise, found.offset)


TestVen = pytest.mark.slow(VenModel.TestCase)
TestVen.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
