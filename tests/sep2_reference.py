"""An independent, slow model of what a device owes its utility: second by second, by definition.

Nothing is planned ahead here. At every second each mode asks anew who is the best that wants it; what that changes is
written down, and the next second begins. It shares no code with the engine but the values of its inputs.

Who wants a mode at a second: an event that takes part, is known, has not lost that mode for good, is within its
effective period, and is not barred. Barred (editions that do not resume): it has not begun the mode, and a better event
that could have it and is not barred itself overlaps it by the specified periods.
"""

from dataclasses import dataclass, field

from gateway.protocols.sep2.events import Control, Program, Settings

IN_PLAY = {"waiting", "running", "suspended", "releasing", "overridden"}
BITS = {1: 1, 11: 4, 4: 6, 5: 6, 8: 6, 9: 6}
"""responseRequired bits that ask for a code; 2 for all others."""


def half(bound: int) -> int:
    """Return what a chance that draws the middle draws."""
    return abs(bound) // 2 * (-1 if bound < 0 else 1)


@dataclass(eq=False)
class Event:
    """One event."""

    control: Control
    seen: int
    phase: str = "waiting"
    fixed: int | None = None
    """Effective start, once it began."""
    released: int | None = None
    closed: int | None = None
    has: set[str] = field(default_factory=set)
    had: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    said: list[tuple[int, int]] = field(default_factory=list)
    """(second, code)."""
    joined: bool = False
    skipped: bool = False

    @property
    def modes(self) -> set[str]:
        return set(self.control.modes) - self.dead


@dataclass
class Model:
    """One device."""

    settings: Settings
    programs: dict[tuple[str, str], Program] = field(default_factory=dict)
    events: dict[tuple[str, str], Event] = field(default_factory=dict)
    last: int = 0

    # -- definitions -------------------------------------------------------------------------------------------

    def merit(self, event: Event) -> tuple[int, int, str, str]:
        control = event.control
        primacy = self.programs[control.program_key].primacy
        return -primacy, control.creation_time, control.mrid, control.server

    def better(self, one: Event, other: Event) -> bool:
        return self.merit(one) > self.merit(other)

    @staticmethod
    def meet(one: Event, other: Event) -> bool:
        """Say whether the specified periods share a second."""
        mine = range(one.control.start, one.control.start + one.control.duration)
        theirs = range(other.control.start, other.control.start + other.control.duration)
        return bool(range(max(mine.start, theirs.start), min(mine.stop, theirs.stop)))

    def barrers(self, event: Event, mode: str) -> list[Event]:
        """Return the better events that keep one out of a mode, the one that counts first."""
        takes_part = event.phase in IN_PLAY - {"releasing"}
        if self.settings.resumes or mode in event.had or not takes_part:
            return []
        found = [
            other
            for other in self.events.values()
            if other.phase in IN_PLAY - {"releasing"}
            and mode in other.modes
            and self.better(other, event)
            and self.meet(other, event)
            and not self.barrers(other, mode)
        ]
        found.sort(key=self.merit, reverse=True)
        found.sort(key=lambda other: mode not in other.had)
        return found

    def begins(self, event: Event) -> int:
        """Return the effective start: own draw, or the effective end of the event that it follows (rule m)."""
        if event.fixed is not None:
            return event.fixed
        leads = [
            self.ends(other)
            for other in self.events.values()
            if other.control.program_key == event.control.program_key
            and other.control.start + other.control.duration == event.control.start
            and other.phase in {"waiting", "running", "suspended", "overridden", "done", "missed"}
            and {m for m in other.modes if not self.barrers(other, m)} & event.modes
        ]
        return max(leads, default=event.control.start + half(event.control.randomize_start))

    def ends(self, event: Event) -> int:
        if event.closed is not None:
            return event.closed
        length = max(0, event.control.duration + half(event.control.randomize_duration))
        end = self.begins(event) + length
        return end if event.released is None else min(end, event.released)

    def wants(self, event: Event, mode: str, second: int) -> bool:
        if event.phase == "releasing" and mode not in event.has:
            return False
        return (
            event.phase in IN_PLAY
            and mode in event.modes
            and event.seen <= second
            and (mode in event.has or self.begins(event) <= second)
            and second < self.ends(event)
            and not self.barrers(event, mode)
        )

    def best(self, mode: str, second: int) -> Event | None:
        wanting = [event for event in self.events.values() if self.wants(event, mode, second)]
        return max(wanting, key=self.merit, default=None)

    def force(self) -> dict[str, tuple[str, str]]:
        """Return who has each mode: event key by mode."""
        return {
            mode: key
            for key, event in self.events.items()
            if event.phase in {"running", "releasing"}
            for mode in event.has
        }

    # -- what is told ------------------------------------------------------------------------------------------

    def say(self, event: Event, code: int, now: int) -> None:
        control = event.control
        told = [said for _, said in event.said]
        wanted = control.required & BITS.get(code, 2)
        if code == 15 and self.settings.edition == 2018:
            return
        if control.has_reply_to and wanted and code not in told:
            event.said.append((now, code))

    def close(self, event: Event, phase: str, second: int, *codes: int, now: int) -> None:
        for code in codes:
            self.say(event, code, now)
        event.phase, event.closed = phase, second
        event.has = set()

    def beaten(self, event: Event, winner: Event, now: int) -> None:
        if winner.control.server != event.control.server:
            self.say(event, 13, now)
        elif winner.control.program != event.control.program:
            self.say(event, 14, now)
        else:
            self.say(event, 7, now)

    def verdict(self, event: Event) -> int:
        if event.phase == "out":
            return 8 if event.joined else 10
        return 9 if event.skipped else 3

    # -- inputs ------------------------------------------------------------------------------------------------

    def take_list(self, controls: list[Control], now: int, whole: tuple[str, str] | None) -> None:
        new = [control for control in controls if control.key not in self.events]
        for control in new:
            self.first_sight(control, now)
        for control in controls:
            if control not in new:
                self.look_again(self.events[control.key], control, now)
        if whole is not None and self.settings.vanishing_cancels:
            present = {control.key for control in controls}
            for key, event in self.events.items():
                if (
                    event.phase not in IN_PLAY - {"releasing"} | {"out"}
                    or event.control.program_key != whole
                ):
                    continue
                if key not in present and now < self.ends(event):
                    self.close(event, "cancelled", now, 6, now=now)

    def first_sight(self, control: Control, now: int) -> None:
        event = self.events[control.key] = Event(control, now)
        if control.start + control.duration <= now:
            self.close(event, "expired", now, 254, now=now)
            return
        self.say(event, 1, now)
        if control.status in (2, 3):
            self.close(event, "cancelled", now, 6, now=now)
        elif control.status == 4:
            self.close(event, "superseded", now, 7, now=now)
        elif control.status == 5 and self.settings.edition == 2023:
            self.close(event, "done", now, now=now)

    def look_again(self, event: Event, control: Control, now: int) -> None:
        if event.phase == "withdrawn":
            event.phase = "waiting"
        if event.phase not in IN_PLAY | {"out"}:
            return
        if control.status == 2:
            self.close(event, "cancelled", now, 6, now=now)
        elif event.phase == "releasing":
            return
        elif control.status == 3:
            window = max(abs(control.randomize_start), abs(control.randomize_duration)) // 2
            if event.phase == "running" and event.has and window:
                event.phase, event.released = "releasing", now + window
            else:
                self.close(event, "cancelled", now, 6, now=now)
        elif control.status == 4:
            self.stopped_by_server(event, now)
        elif control.status == 5 and self.settings.edition == 2023:
            self.over_early(event, now)

    def over_early(self, event: Event, now: int) -> None:
        if now >= event.control.start + event.control.duration:
            return
        if event.phase == "waiting":
            self.close(event, "done", now, now=now)
        elif event.phase == "suspended":
            self.close(event, "superseded", now, now=now)
        else:
            self.close(event, "done", now, self.verdict(event), now=now)

    def stopped_by_server(self, event: Event, now: int) -> None:
        ran = bool(event.has)
        start, spread = event.control.start, event.control.randomize_start
        self.close(event, "superseded", now, 7, now=now)
        if not ran or min(start, start + spread) <= now < max(start, start + spread):
            return
        for other in self.events.values():
            sooner = min(other.control.start, other.control.start + other.control.randomize_start)
            if (
                other.phase == "waiting"
                and other.fixed is None
                and other.control.program_key == event.control.program_key
                and other.modes & set(event.control.modes)
                and self.meet(other, event)
                and sooner <= now
            ):
                other.fixed = min(now, other.control.start + half(other.control.randomize_start))

    def assign(self, programs: list[Program], now: int) -> None:
        self.programs = {program.key: program for program in programs}
        for event in self.events.values():
            if event.control.program_key in self.programs:
                continue
            if event.phase == "releasing":
                self.close(event, "cancelled", now, 6, now=now)
            elif event.phase in IN_PLAY | {"out"}:
                event.phase, event.has, event.had = "withdrawn", set(), set()

    def opt_out(self, key: tuple[str, str], now: int) -> None:
        event = self.events[key]
        self.say(event, 4, now)
        if event.phase == "releasing":
            self.close(event, "cancelled", now, 6, now=now)
            return
        event.phase, event.has, event.had = "out", set(), set()

    def opt_in(self, key: tuple[str, str], now: int) -> None:
        event = self.events[key]
        self.say(event, 5, now)
        if event.phase == "out":
            event.skipped = event.skipped or self.begins(event) < now
            event.phase = "waiting"

    # -- time --------------------------------------------------------------------------------------------------

    def pass_to(self, now: int) -> None:
        """Live through every second up to ``now``, which was slept through where it is more than one."""
        # What came in now changes nothing of a second that was lived through.
        for second in range(min(self.last + 1, now), now + 1):
            while self.moment(second, now):
                pass
        self.last = now

    def step_back(self, now: int) -> None:
        """Take that the clock was set back: nothing is undone, and what was known is known."""
        for event in self.events.values():
            event.seen = min(event.seen, now)
        self.last = now

    def moment(self, second: int, now: int) -> bool:
        """Change one thing that is due; False: nothing is."""
        return (
            self.ending(second, now)
            or self.losing(second, now)
            or self.taking(second, now)
            or self.displacing(second, now)
        )

    def ending(self, second: int, now: int) -> bool:
        over = [
            event
            for event in self.events.values()
            if event.phase in IN_PLAY | {"out"} and self.ends(event) <= second
        ]
        if not over:
            return False
        # Who was kept out to its end is told by whom before that one is over, too.
        first = min(self.ends(event) for event in over)
        event = min((e for e in over if self.ends(e) == first), key=self.sorting)
        end = self.ends(event)
        if event.phase == "waiting":
            barrers = [b for mode in event.modes for b in self.barrers(event, mode)[:1]]
            if barrers:
                self.beaten(event, max(barrers, key=self.merit), now)
            self.close(event, "superseded" if barrers else "missed", end, now=now)
        elif event.phase == "suspended":
            self.close(event, "superseded", end, now=now)
        elif event.phase == "releasing":
            self.close(event, "cancelled", end, 6, now=now)
        else:
            self.close(event, "done", end, self.verdict(event), now=now)
        return True

    def losing(self, second: int, now: int) -> bool:
        """Let those lose who came to know of a mode only after a better one had begun it."""
        for event in sorted(self.events.values(), key=lambda event: event.control.mrid):
            if event.phase not in IN_PLAY or event.seen > second:
                continue
            by = {m: b[0] for m in event.modes if (b := self.barrers(event, m)) and m in b[0].had}
            if by:
                event.dead |= by.keys()
                if not event.modes:
                    self.beaten(event, max(by.values(), key=self.merit), now)
                    self.close(event, "superseded", second, now=now)
                return True
        return False

    def taking(self, second: int, now: int) -> bool:
        modes = {mode for event in self.events.values() for mode in event.control.modes}
        gains: dict[tuple[str, str], set[str]] = {}
        for mode in modes:
            event = self.best(mode, second)
            if event is not None and mode not in event.has:
                gains.setdefault(event.control.key, set()).add(mode)
        if not gains:
            return False
        winner = max((self.events[key] for key in gains), key=self.merit)
        gained = gains[winner.control.key]
        for loser in sorted(self.events.values(), key=self.sorting, reverse=True):
            if loser is not winner and loser.phase in IN_PLAY:
                self.yield_to(loser, winner, gained, second, now)
        if winner.phase in {"waiting", "suspended"} and self.ends(winner) <= now:
            gone = "missed" if winner.phase == "waiting" else "superseded"
            self.close(winner, gone, self.ends(winner), now=now)
            return True
        winner.fixed = self.begins(winner)
        winner.has |= gained
        winner.had |= gained
        if winner.phase == "waiting" or not winner.joined:
            self.say(winner, 2, now)
        elif winner.phase == "suspended":
            self.say(winner, 15, now)
        winner.phase = "running" if winner.phase in {"waiting", "suspended"} else winner.phase
        winner.joined = True
        return True

    def sorting(self, event: Event) -> tuple[int, int, str, str]:
        known = event.control.program_key in self.programs
        return self.merit(event) if known else (-999, 0, "", "")

    def yield_to(self, loser: Event, winner: Event, modes: set[str], second: int, now: int) -> None:
        if self.settings.resumes:
            self.give_way(loser, winner, modes, second, now)
            return
        truly = self.meet(loser, winner)
        barred = loser.modes & modes - loser.had if truly and self.better(winner, loser) else set()
        taken = loser.has & modes | barred
        loser.dead |= taken
        loser.has -= taken
        if taken and not loser.modes:
            if truly and loser.phase != "releasing":
                self.beaten(loser, winner, now)
                self.close(loser, "superseded", second, now=now)
            else:
                self.stop(loser, second, now)

    def stop(self, event: Event, second: int, now: int) -> None:
        if event.phase == "releasing":
            self.close(event, "cancelled", second, 6, now=now)
        else:
            self.close(event, "done", second, self.verdict(event), now=now)

    def give_way(self, loser: Event, winner: Event, modes: set[str], second: int, now: int) -> None:
        truly = self.meet(loser, winner)
        held = loser.has & modes
        loser.has -= held
        if not truly:
            loser.dead |= held
        if held and not loser.modes:
            self.stop(loser, second, now)
        elif held and truly and not loser.has:
            if loser.phase == "releasing":
                self.stop(loser, second, now)
            else:
                self.beaten(loser, winner, now)
                loser.phase = "suspended"
        elif not held:
            self.kept_out(loser, second, now)

    def kept_out(self, event: Event, second: int, now: int) -> bool:
        """Tell an event that should begin and finds every mode with a better one, one that truly overlaps it."""
        ready = event.phase == "waiting" and event.seen <= second
        if not ready or not self.begins(event) <= second < self.ends(event):
            return False
        bests = [self.best(mode, second) for mode in event.modes]
        if any(best is event for best in bests):
            return False
        reasons = [
            other
            for other in self.events.values()
            if any(self.best(mode, second) is other for mode in event.modes)
            and self.meet(other, event)
        ]
        if not reasons:
            return False
        self.beaten(event, max(reasons, key=self.merit), now)
        event.phase = "suspended"
        return True

    def displacing(self, second: int, now: int) -> bool:
        if not self.settings.resumes:
            return False
        known = sorted(self.events.values(), key=self.sorting, reverse=True)
        return any(self.kept_out(event, second, now) for event in known)
