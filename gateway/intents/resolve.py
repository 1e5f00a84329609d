"""Turns what a signal asks into kilowatts at the site's meter, where that can be done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.domain.event import Basis, Direction, Interval, Kind, Signal
from gateway.domain.program import Program
from gateway.domain.quantity import Safe, round_safely
from gateway.domain.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one interval allows, kW, import positive; None: no bound."""

    import_max_kw: Decimal | None = None
    import_min_kw: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What relative asks stand on."""

    site: Site
    program: Program
    pre_event_kw: Decimal | None
    """Present consumption, frozen at intake; None: not known."""


class Unresolvable(Exception):  # noqa: N818 - a finding, not an error: the operator decides
    """The ask cannot be turned into kilowatts; the text says why, for the operator."""


RELATIVE: Final = frozenset(
    {Basis.RELATIVE_BASELINE, Basis.RELATIVE_CURRENT, Basis.FRACTION_OF_BASELINE, Basis.ORDINAL}
)
"""Bases that need the present consumption."""


def resolve(signal: Signal, interval: Interval, footing: Footing) -> Bounds:
    """Return the bounds that one interval of a signal puts on import.

    Caps are rounded down and floors up, to 1 W.

    Raises:
        Unresolvable: the kind has no power bound, or what it stands on is unknown.
    """
    rule = _RULES.get((signal.kind, signal.basis))
    if rule is _less and signal.direction is Direction.HOLD and interval.value > 0:
        rule = _more  # offsets of both signs in one signal: each says its own direction
    if rule is None:
        raise Unresolvable(f"{signal.name}/{signal.type} is no power limit that a rule covers")
    found = rule(interval.value, footing)
    return Bounds(
        import_max_kw=_bounded(found.import_max_kw, Safe.CAP),
        import_min_kw=_bounded(found.import_min_kw, Safe.FLOOR),
    )


def _bounded(limit_kw: Decimal | None, side: Safe) -> Decimal | None:
    return None if limit_kw is None else round_safely(max(limit_kw, Decimal(0)), side)


def _present(footing: Footing) -> Decimal:
    if footing.pre_event_kw is None:
        raise Unresolvable("the present consumption is not known: too few stored samples")
    return footing.pre_event_kw


def _cap(value: Decimal, _: Footing) -> Bounds:
    return Bounds(import_max_kw=value)


def _setpoint(value: Decimal, _: Footing) -> Bounds:
    return Bounds(import_max_kw=value, import_min_kw=value)


def _less(value: Decimal, footing: Footing) -> Bounds:
    return Bounds(import_max_kw=_present(footing) - abs(value))


def _more(value: Decimal, footing: Footing) -> Bounds:
    return Bounds(import_min_kw=_present(footing) + abs(value))


def _factor(value: Decimal, footing: Footing) -> Bounds:
    kw = _present(footing) * value
    return Bounds(import_max_kw=kw) if value <= 1 else Bounds(import_min_kw=kw)


def _share_of_nameplate(value: Decimal, footing: Footing) -> Bounds:
    return Bounds(import_max_kw=footing.site.contracted_import_kw * value)


def _level(value: Decimal, footing: Footing) -> Bounds:
    level = int(value)
    if level == 0:
        return Bounds()
    share = footing.program.levels.get(level)
    if share is None:
        text = f"the program has no entry for level {level}; add it under [program.levels]"
        raise Unresolvable(text)
    return Bounds(import_max_kw=_present(footing) * share)


_RULES: Final[Mapping[tuple[Kind, Basis], Callable[[Decimal, Footing], Bounds]]] = {
    (Kind.LIMIT_IMPORT, Basis.ABSOLUTE): _cap,
    (Kind.LIMIT_IMPORT, Basis.FRACTION_OF_NAMEPLATE): _share_of_nameplate,
    (Kind.SETPOINT, Basis.ABSOLUTE): _setpoint,
    (Kind.SETPOINT, Basis.FRACTION_OF_NAMEPLATE): _share_of_nameplate,
    (Kind.REDUCE, Basis.RELATIVE_BASELINE): _less,
    (Kind.REDUCE, Basis.RELATIVE_CURRENT): _less,
    (Kind.REDUCE, Basis.FRACTION_OF_BASELINE): _factor,
    (Kind.INCREASE, Basis.RELATIVE_BASELINE): _more,
    (Kind.INCREASE, Basis.RELATIVE_CURRENT): _more,
    (Kind.INCREASE, Basis.FRACTION_OF_BASELINE): _factor,
    (Kind.LEVEL, Basis.ORDINAL): _level,
}
