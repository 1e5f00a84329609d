"""The judge of a run: was anything lost, doubled, too late, wrong or left without an answer?

A pure function over what everybody wrote down (``conformance.soak.marks``), and strict: a key is owed once the three
who carry it were up together for long enough, whatever happened before and after. A call with an unknown outcome stays
possible to the end.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise, product

from conformance.soak.marks import (
    GATEWAY,
    UTILITY,
    Acted,
    Answered,
    Asked,
    Down,
    Fault,
    Found,
    Handed,
    Held,
    History,
    Mark,
    Opt,
    Ordered,
    Said,
    Unsure,
    Up,
    Verdict,
)

__all__ = [
    "GATEWAY",
    "UTILITY",
    "Acted",
    "Answered",
    "Asked",
    "Down",
    "Fault",
    "Found",
    "Handed",
    "Held",
    "History",
    "Mark",
    "Opt",
    "Ordered",
    "Said",
    "Unsure",
    "Up",
    "Verdict",
    "judge",
]


def judge(history: History, patience: timedelta) -> tuple[Verdict, ...]:
    """Return everything that is wrong with a history, nothing for a clean one.

    Args:
        history: Marks in the order in which they happened, to the end of the run.
        patience: Within this time something must have got through, when everybody it needs is up for so long.
    """
    bench = _Bench(history, patience)
    found = [
        verdict
        for order in bench.orders
        for verdict in (*bench.effects(order), *bench.answer(order))
    ]
    return (*found, *bench.strangers(), *bench.stale(), *bench.kept())


class _Bench:
    """One history, looked up in several ways."""

    def __init__(self, history: History, patience: timedelta) -> None:
        self._history = history
        self._patience = patience
        self._end = max((mark.at for mark in history), default=None)
        self.orders = [mark for mark in history if isinstance(mark, Ordered)]

    # --- commands at sites

    def effects(self, order: Ordered) -> Iterable[Verdict]:
        """Look for exactly one command per site."""
        for site in order.sites:
            key = f"{_name(order)} at {site}"
            acts = [act for act in self._acts(order.event, site) if _carries_out(act, order)]
            commands = {act.command for act in acts}
            if len(commands) > 1:
                yield Verdict(
                    fault=Fault.DOUBLED, key=key, why=f"{len(commands)} commands for one order"
                )
            elif len(acts) > 1:
                yield Verdict(fault=Fault.DOUBLED, key=key, why=f"carried out {len(acts)} times")
            elif not acts and self._owed(order, site):
                yield Verdict(fault=Fault.LOST, key=key, why="never reached the site")

    def _owed(self, order: Ordered, site: str) -> bool:
        began = any(not act.cancels for act in self._acts(order.event, site))
        if (order.cancels and not began) or self._excused(order, site):
            return False
        return (
            self._served(order.at, self._until(order), (GATEWAY, UTILITY, site)) >= self._patience
        )

    def _excused(self, order: Ordered, site: str) -> bool:
        """Say whether the site need not hear of a version: its operator has it, as a gateway that was away may do.

        Only such a gateway lacks what relative asks stand on; one that was never down has no reason to hold anything.
        """
        wanted = (order.event, order.version, site)
        held = [
            mark.at
            for mark in self._history
            if isinstance(mark, Held) and (mark.event, mark.version, mark.site) == wanted
        ]
        gone = [m.at for m in self._history if isinstance(m, Down) and m.who == GATEWAY]
        return any(away <= at for away in gone for at in held)

    def strangers(self) -> Iterable[Verdict]:
        """Look for commands and answers that nobody had ordered by then."""
        known: list[Ordered] = []
        for mark in self._history:
            if isinstance(mark, Ordered):
                known.append(mark)
            elif isinstance(mark, Acted):
                if not any(_called_for(mark, order) for order in known):
                    yield Verdict(
                        fault=Fault.INVENTED,
                        key=f"{_name(mark)} at {mark.site}",
                        why="nobody had ordered it",
                    )
            elif isinstance(mark, Answered) and not any(_same(mark, order) for order in known):
                yield Verdict(
                    fault=Fault.INVENTED, key=_name(mark), why="an answer to what was not asked"
                )

    def stale(self) -> Iterable[Verdict]:
        """Look for start commands that came too late."""
        newest: dict[tuple[str, str], Acted] = {}
        ends = {(order.event, order.version): order.ends for order in self.orders}
        for act in self._history:
            if not isinstance(act, Acted):
                continue
            key = f"{_name(act)} at {act.site}"
            end = ends.get((act.event, act.version))
            if not act.cancels and end is not None and act.at >= end:
                yield Verdict(fault=Fault.LATE, key=key, why=f"begun at {act.at}, over at {end}")
            before = newest.get((act.event, act.site))
            if before is not None and not act.cancels and _later(before, act):
                yield Verdict(fault=Fault.LATE, key=key, why=f"begun after {_name(before)}")
            newest[act.event, act.site] = act

    def _acts(self, event: str, site: str) -> list[Acted]:
        return [
            mark
            for mark in self._history
            if isinstance(mark, Acted) and (mark.event, mark.site) == (event, site)
        ]

    # --- answers at the utility

    def answer(self, order: Ordered) -> Iterable[Verdict]:
        """Look for one answer, the right one."""
        places = [
            (place, mark)
            for place, mark in enumerate(self._history)
            if isinstance(mark, Answered) and _same(mark, order)
        ]
        key = _name(order)
        if not places:
            served = self._served(order.at, self._until(order), (GATEWAY, UTILITY))
            if order.wants_answer and served >= self._patience + order.silence:
                yield Verdict(fault=Fault.UNANSWERED, key=key, why="the utility got no answer")
            return
        yield from self._repeated(key, places)
        if order.cancels:
            return
        for place, mark in places:
            if mark.opt not in self._possible(order, place):
                yield Verdict(fault=Fault.WRONG, key=key, why=f"{mark.opt}, which nobody said")
        told = [mark.opt for _, mark in places]
        changes = sum(one != other for one, other in pairwise(told))
        if changes > len(self._sayings(order)):
            yield Verdict(fault=Fault.DOUBLED, key=key, why=f"answered {' '.join(told)}")
        elif told[-1] not in self._final(order):
            yield Verdict(fault=Fault.WRONG, key=key, why=f"the last answer is {told[-1]}")

    def _repeated(self, key: str, places: list[tuple[int, Answered]]) -> Iterable[Verdict]:
        last: dict[str, tuple[int, Opt]] = {}
        for place, mark in places:
            before = last.get(mark.delivery) if mark.delivery else None
            again = before is not None and before[1] == mark.opt
            if before is not None and again and not self._disturbed(before[0], place, Asked):
                why = f"{mark.opt} twice without a reason"
                yield Verdict(fault=Fault.DOUBLED, key=key, why=why)
            last[mark.delivery] = (place, mark.opt)

    def _disturbed(self, first: int, last: int, *reasons: type[Mark]) -> bool:
        return any(isinstance(m, (Down, Unsure, *reasons)) for m in self._history[first:last])

    def _sayings(self, order: Ordered) -> list[Said]:
        """Return what sites said of one version; a confirmation is no new saying."""
        said: list[Said] = []
        newest: dict[str, Said] = {}
        for mark in self._history:
            if not isinstance(mark, Said) or not _same(mark, order):
                continue
            before = newest.get(mark.site)
            newest[mark.site] = mark
            if before is None or before.opt != mark.opt:
                said.append(mark)
        return said

    def _possible(self, order: Ordered, place: int) -> set[Opt]:
        """Return what may have been decided by then."""
        choices = [
            {order.by_default, *(mark.opt for mark in self._said(order, site, place))}
            for site in order.sites
        ]
        return _together(choices)

    def _final(self, order: Ordered) -> set[Opt]:
        """Return what the utility may be left with at the end."""
        choices: list[set[Opt]] = []
        for site in order.sites:
            said = self._said(order, site, len(self._history))
            sure = max((n for n, mark in enumerate(said) if mark.sure), default=None)
            if sure is None:
                choices.append({order.by_default, *(mark.opt for mark in said)})
                continue
            carried = self._served(said[sure].at, self._until(order), (GATEWAY, UTILITY))
            if carried < self._patience:
                return self._possible(order, len(self._history))
            choices.append({mark.opt for mark in said[sure:]})
        return _together(choices)

    def _said(self, order: Ordered, site: str, before: int) -> list[Said]:
        return [
            mark
            for mark in self._history[:before]
            if isinstance(mark, Said) and _same(mark, order) and mark.site == site
        ]

    # --- what was handed over

    def kept(self) -> Iterable[Verdict]:
        """Look for everything that was confirmed, once."""
        handed = {mark.key: False for mark in self._history if isinstance(mark, Handed)}
        handed |= {
            mark.key: True for mark in self._history if isinstance(mark, Handed) and mark.sure
        }
        found: dict[str, tuple[int, Found]] = {}
        for place, mark in enumerate(self._history):
            if not isinstance(mark, Found):
                continue
            if mark.key not in handed:
                yield Verdict(fault=Fault.INVENTED, key=mark.key, why="nobody had handed it over")
            before = found.get(mark.key)
            if before is not None and before[1].content != mark.content:
                yield Verdict(fault=Fault.DOUBLED, key=mark.key, why="twice, and not the same")
            elif before is not None and not self._disturbed(before[0], place):
                yield Verdict(fault=Fault.DOUBLED, key=mark.key, why="twice without a reason")
            found[mark.key] = (place, mark)
        for key, sure in handed.items():
            if sure and key not in found:
                yield Verdict(fault=Fault.LOST, key=key, why="it was confirmed, and is gone")

    # --- time

    def _until(self, order: Ordered) -> datetime:
        """Return when an order stopped to count: at its end, at the next version, or at the end of the history."""
        later = [
            other.at
            for other in self.orders
            if other.event == order.event and other.version > order.version
        ]
        ends = [order.ends] if order.ends is not None else []
        return min([*later, *ends, self._end or order.at])

    def _served(self, since: datetime, until: datetime, needed: tuple[str, ...]) -> timedelta:
        """Return the longest time in a stretch during which everybody needed was up."""
        best, gone, begun = timedelta(0), set[str](), since
        for mark in self._history:
            if not isinstance(mark, Down | Up) or mark.who not in needed:
                continue
            at = min(max(mark.at, since), until)
            if not gone:
                best = max(best, at - begun)
            if isinstance(mark, Down):
                gone.add(mark.who)
            else:
                gone.discard(mark.who)
            begun = at
        return max(best, until - begun) if not gone else best


def _name(mark: Ordered | Acted | Answered) -> str:
    cancels = not isinstance(mark, Answered) and mark.cancels
    return f"{mark.event} cancelled" if cancels else f"{mark.event} version {mark.version}"


def _same(mark: Answered | Said, order: Ordered) -> bool:
    return (mark.event, mark.version) == (order.event, order.version)


def _carries_out(act: Acted, order: Ordered) -> bool:
    """Say whether a command carries an order out; a cancellation still names the version that it ends."""
    if act.event != order.event or act.cancels is not order.cancels:
        return False
    return act.cancels or act.version == order.version


def _called_for(act: Acted, order: Ordered) -> bool:
    """Say whether an order is reason enough; a site that an order names no longer is released by it."""
    if _carries_out(act, order):
        return act.site in order.sites
    released = order.version > act.version and act.site not in order.sites
    return act.cancels and act.event == order.event and released


def _later(before: Acted, act: Acted) -> bool:
    """Say whether what a site did before makes a start command stale."""
    return before.version > act.version or (before.cancels and before.version >= act.version)


def _together(choices: Sequence[set[Opt]]) -> set[Opt]:
    """Return what several sites' answers can come to: in when all are in."""
    return {"in" if set(chosen) == {"in"} else "out" for chosen in product(*choices)}
