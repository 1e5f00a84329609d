"""The curves of a server's DER programs: read and told for the log; a load follows none of them.

A control that refers to curves alone is answered as not supported (251, or 252 in 2018); of one that refers to a curve
among other modes the others are followed.

Spec: IEEE 2030.5-2018 DERCurve; 10.2.3.3.
"""

from collections.abc import Iterable
from typing import Final

from gateway.domain.errors import WireError
from gateway.domain.quantity import plain
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums import CurveType
from gateway.protocols.sep2.quantities import reading

_MOST: Final = 20
"""Curves of one list that are told."""


def described(curve: sep.DERCurve) -> str:
    """Write a curve for people: its kind and its points, scaled exactly; empty for numbers that are none."""
    try:
        kind = CurveType(curve.curve_type).name.lower()
    except ValueError:
        kind = f"curve of type {curve.curve_type}"
    try:
        points = " ".join(
            f"({plain(reading(point.xvalue, curve.x_multiplier))},"
            f" {plain(reading(point.yvalue, curve.y_multiplier))})"
            for point in curve.curve_data
        )
    except WireError:
        return ""
    return f"{kind} {points}"


def summary(members: Iterable[sep.Resource]) -> str:
    """Write the curves of a list for people."""
    curves = [one for one in members if isinstance(one, sep.DERCurve)]
    told = [text for one in curves[:_MOST] if (text := described(one))]
    return "; ".join(told)
