"""What the modes of a control ask of a site: kind, direction, basis, and the value in kW or as a share.

Watts are the server's, import or export as the mode's name says; ours are kilowatts, import positive. A cap is rounded
down where it has to be rounded. Percentages are hundredths of one.

Spec: IEEE 2030.5 DERControlBase; CSIP-AUS (opModImpLimW …); compute-flex B.5.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.domain.errors import WireError
from gateway.domain.event import Basis, Commodity, Direction, Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2._generated.rows import ROWS
from gateway.protocols.sep2.quantities import amount_kw

_NAMES: Final = {
    part.field: part.name
    for row in ROWS
    if row.make is sep.DERControlBase
    for part in row.elements
    if part.name.startswith("opMod")
}
"""Field -> the standard's name of a mode."""
_WHOLE: Final = Decimal(10_000)
"""Hundredths of a percent that make one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a percentage is a percentage of, kW."""

    charge_kw: Decimal
    """setMaxChargeRateW: the most that the site draws under control."""
    fixed_w_is_cap: bool = False
    """opModFixedW is an upper limit for a load, not an operating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one mode asks."""

    mode: str
    """The standard's name."""
    kind: Kind
    direction: Direction
    basis: Basis
    unit: str
    value: Decimal
    commodity: Commodity = Commodity.ACTIVE_POWER


_Read = Callable[[sep.DERControlBase, Rating], Asked | None]


def _cap(mode: str, attribute: str, kind: Kind) -> _Read:
    def read(base: sep.DERControlBase, _: Rating) -> Asked | None:
        power = getattr(base, attribute)
        if power is None:
            return None
        value = amount_kw(power)
        if value < 0:
            raise WireError("INVALID_NUMBER", f"{mode} must not be negative")
        return Asked(
            mode=mode,
            kind=kind,
            direction=Direction.DECREASE,
            basis=Basis.ABSOLUTE,
            unit="kW",
            value=value,
        )

    return read


def _target(base: sep.DERControlBase, _: Rating) -> Asked | None:
    if base.op_mod_target_w is None:
        return None
    # Positive is what the DER delivers; import is positive here.
    value = -amount_kw(base.op_mod_target_w)
    return Asked(
        mode="opModTargetW",
        kind=Kind.SETPOINT,
        direction=Direction.HOLD,
        basis=Basis.ABSOLUTE,
        unit="kW",
        value=value,
    )


def _fixed(base: sep.DERControlBase, rating: Rating) -> Asked | None:
    """Read opModFixedW: a negative share is one of setMaxChargeRateW, which a load can follow."""
    if base.op_mod_fixed_w is None:
        return None
    cap = rating.fixed_w_is_cap
    return Asked(
        mode="opModFixedW",
        kind=Kind.LIMIT_IMPORT if cap else Kind.SETPOINT,
        direction=Direction.DECREASE if cap else Direction.HOLD,
        basis=Basis.ABSOLUTE,
        unit="kW",
        value=-Decimal(base.op_mod_fixed_w) / _WHOLE * rating.charge_kw,
    )


def _switch(mode: str, attribute: str) -> _Read:
    """Read a switch: off means that nothing may be drawn; on asks for nothing."""

    def read(base: sep.DERControlBase, rating: Rating) -> Asked | None:
        on = getattr(base, attribute)
        if on is None:
            return None
        return Asked(
            mode=mode,
            kind=Kind.LIMIT_IMPORT,
            direction=Direction.NONE if on else Direction.DECREASE,
            basis=Basis.ABSOLUTE,
            unit="kW",
            value=rating.charge_kw if on else Decimal(0),
        )

    return read


def _delta(base: sep.DERControlBase, _: Rating) -> Asked | None:
    if base.op_mod_delta_w is None:
        return None
    value = -amount_kw(base.op_mod_delta_w)
    less = value <= 0
    return Asked(
        mode="opModDeltaW",
        kind=Kind.REDUCE if less else Kind.INCREASE,
        direction=Direction.DECREASE if less else Direction.INCREASE,
        basis=Basis.RELATIVE_CURRENT,
        unit="kW",
        value=value,
    )


_READERS: Final[Mapping[str, _Read]] = {
    "opModConnect": _switch("opModConnect", "op_mod_connect"),
    "opModEnergize": _switch("opModEnergize", "op_mod_energize"),
    "opModImpLimW": _cap("opModImpLimW", "op_mod_imp_lim_w", Kind.LIMIT_IMPORT),
    "opModLoadLimW": _cap("opModLoadLimW", "op_mod_load_lim_w", Kind.LIMIT_IMPORT),
    "opModMaxLimWAbsorb": _cap("opModMaxLimWAbsorb", "op_mod_max_lim_w_absorb", Kind.LIMIT_IMPORT),
    "opModFixedW": _fixed,
    "opModTargetW": _target,
    "opModDeltaW": _delta,
    "opModExpLimW": _cap("opModExpLimW", "op_mod_exp_lim_w", Kind.LIMIT_EXPORT),
    "opModGenLimW": _cap("opModGenLimW", "op_mod_gen_lim_w", Kind.LIMIT_EXPORT),
    "opModMaxLimWInject": _cap("opModMaxLimWInject", "op_mod_max_lim_w_inject", Kind.LIMIT_EXPORT),
}
"""Mode -> how it is read; the obliging ones first."""
FOLLOWED: Final = frozenset(_READERS)
"""Modes that a site can follow; the others are for inverters."""


def asked(base: sep.DERControlBase, rating: Rating) -> Iterator[Asked]:
    """Yield what a control asks, the obliging modes first; modes that no site can follow ask nothing.

    Raises:
        WireError: ``INVALID_NUMBER`` for a multiplier that nobody means in earnest, and for a limit below zero.
    """
    for read in _READERS.values():
        found = read(base, rating)
        if found is not None:
            yield found


def asked_of(base: sep.DERControlBase, mode: str, rating: Rating) -> Asked | None:
    """Return what one mode of a control asks; None: it is not in it, switched off, or none that a site can follow.

    Raises:
        WireError: as ``asked``.
    """
    read = _READERS.get(mode)
    return read(base, rating) if read is not None and mode in carried(base) else None


def carried(base: sep.DERControlBase) -> frozenset[str]:
    """Return every mode that a control carries, by the standard's names, followed or not."""
    return frozenset(
        name
        for attribute, name in _NAMES.items()
        if getattr(base, attribute) is not None and attribute not in base.disabled
    )
