"""Numbers of 2030.5: what does not fit 16 bits is scaled and rounded the way that the caller calls safe."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.sep2._generated.model import (
    ActivePower,
    ApparentPower,
    RealEnergy,
    SignedRealEnergy,
    TargetReduction,
    UnsignedActivePower,
    VoltageRMS,
    WattHour,
)
from gateway.protocols.sep2.quantities import (
    Scaled,
    Toward,
    amount,
    amount_kw,
    hundredths,
    instant,
    reading,
    reduction_kw,
    scaled,
    scaled_kw,
    seconds,
    share,
    target_reduction,
)

KINDS: list[type[Scaled]] = [
    ActivePower,
    ApparentPower,
    UnsignedActivePower,
    VoltageRMS,
    WattHour,
    RealEnergy,
]


@pytest.mark.spec("IEEE 2030.5-2018 ActivePower")
@pytest.mark.parametrize(
    ("kw", "toward", "multiplier", "value"),
    [
        ("150000", Toward.DOWN, 4, 15000),
        ("300000", Toward.DOWN, 4, 30000),
        ("299987.654", Toward.DOWN, 4, 29998),
        ("299987.654", Toward.UP, 4, 29999),
        ("-299987.654", Toward.DOWN, 4, -29999),
        ("-299987.654", Toward.ZERO, 4, -29998),
        ("299985", Toward.NEAREST, 4, 29998),
        ("32.767", Toward.DOWN, 0, 32767),
        ("32.768", Toward.DOWN, 1, 3276),
        ("32.7679", Toward.DOWN, 0, 32767),
        ("32.7679", Toward.UP, 1, 3277),
        ("-32.768", Toward.DOWN, 0, -32768),
        ("0.0009", Toward.DOWN, 0, 0),
        ("0.0001", Toward.UP, 0, 1),
        ("0", Toward.DOWN, 0, 0),
    ],
)
def test_the_smallest_multiplier_that_fits_is_taken(
    kw: str, toward: Toward, multiplier: int, value: int
) -> None:
    assert scaled_kw(ActivePower, Decimal(kw), toward) == ActivePower(
        multiplier=multiplier, value=value
    )


@pytest.mark.spec("IEEE 2030.5-2018 ActivePower")
def test_an_unsigned_value_holds_twice_as_much() -> None:
    assert scaled_kw(UnsignedActivePower, Decimal("65.535"), Toward.DOWN).multiplier == 0
    assert scaled_kw(ApparentPower, Decimal("330000"), Toward.DOWN).value == 33000


def test_a_finer_multiplier_is_used_where_it_is_asked_for() -> None:
    found = scaled(VoltageRMS, Decimal("230.47"), Toward.NEAREST, finest=-1)

    assert found == VoltageRMS(multiplier=-1, value=2305)
    assert amount(found) == Decimal("230.5")


@pytest.mark.spec("IEEE 2030.5-2018 ActivePower")
def test_forty_digits_are_still_rounded_down() -> None:
    just_below = Decimal("9999.9999999999999999999999999999999999")

    assert scaled(ActivePower, just_below, Toward.DOWN).value == 9999


@pytest.mark.spec("IEEE 2030.5-2018 ActivePower")
@given(
    kind=st.sampled_from(KINDS),
    watts=st.decimals(0, 3 * 10**11, places=3),
    toward=st.sampled_from(Toward),
)
def test_rounding_errs_to_the_side_that_was_told_and_by_less_than_a_step(
    kind: type[Scaled], watts: Decimal, toward: Toward
) -> None:
    found = scaled(kind, watts, toward)

    error = Fraction(amount(found)) - Fraction(watts)
    step = Fraction(10) ** found.multiplier
    assert abs(error) < step
    if toward in (Toward.DOWN, Toward.ZERO):
        assert error <= 0
    elif toward is Toward.UP:
        assert error >= 0
    else:
        assert abs(error) <= step / 2
    if found.multiplier:
        # One multiplier less would not have fitted.
        limit = 32767 if isinstance(found, ActivePower) else 65535
        assert abs(Fraction(watts)) / (step / 10) > limit - 1


@pytest.mark.spec("CSIP-AUS ALL-24", "IEEE 2030.5-2018 ActivePower")
@given(value=st.integers(-32768, 32767), multiplier=st.integers(0, 9))
def test_what_fits_is_written_exactly(value: int, multiplier: int) -> None:
    power = ActivePower(multiplier=multiplier, value=value)

    for toward in Toward:
        assert amount(scaled(ActivePower, amount(power), toward)) == amount(power)
    assert amount_kw(power) == amount(power) / 1000


@pytest.mark.parametrize(
    ("kind", "watts"),
    [
        (ActivePower, "NaN"),
        (ActivePower, "Infinity"),
        (ActivePower, "1e15"),
        (ActivePower, "1e999999"),
        (UnsignedActivePower, "-1"),
        (WattHour, "-0.001"),
    ],
)
def test_what_cannot_be_told_is_refused(kind: type[Scaled], watts: str) -> None:
    with pytest.raises(MisuseError, match="INVALID_NUMBER"):
        scaled(kind, Decimal(watts), Toward.DOWN)


@pytest.mark.parametrize("multiplier", [-128, -10, 10, 127])
def test_a_multiplier_out_of_this_world_is_a_wire_error(multiplier: int) -> None:
    with pytest.raises(WireError, match="INVALID_NUMBER"):
        amount(ActivePower(multiplier=multiplier, value=1))
    with pytest.raises(WireError, match="INVALID_NUMBER"):
        reading(1, multiplier)


def test_energy_keeps_48_bits_without_rounding() -> None:
    assert scaled_kw(
        SignedRealEnergy, Decimal("-123456789.012"), Toward.NEAREST
    ) == SignedRealEnergy(multiplier=0, value=-123456789012)


def test_a_reading_without_multiplier_is_in_plain_units() -> None:
    assert reading(-3, None) == Decimal(-3)
    assert reading(12345, 3) == Decimal(12345000)


@pytest.mark.spec("IEEE 2030.5-2018 PerCent")
def test_a_percentage_is_rounded_as_told_and_never_beyond_the_whole() -> None:
    assert hundredths(Decimal(1), Decimal(3), Toward.DOWN) == 3333
    assert hundredths(Decimal(1), Decimal(3), Toward.UP) == 3334
    assert hundredths(Decimal(-1), Decimal(3), Toward.DOWN) == -3334
    assert hundredths(Decimal(-1), Decimal(3), Toward.ZERO) == -3333
    assert hundredths(Decimal(7), Decimal(7), Toward.UP) == 10000
    assert share(6000) == Decimal("0.6")
    assert share(-1) == Decimal("-0.0001")
    for part, whole in ((8, 7), (1, 0), (1, -1)):
        with pytest.raises(MisuseError):
            hundredths(Decimal(part), Decimal(whole), Toward.DOWN)


@pytest.mark.spec("IEEE 2030.5-2018 TargetReduction")
def test_a_target_reduction_has_no_multiplier() -> None:
    assert target_reduction(Decimal("65.5354"), Toward.DOWN) == TargetReduction(type=2, value=65535)
    assert target_reduction(Decimal("65.536"), Toward.DOWN) == TargetReduction(type=1, value=65)
    assert target_reduction(Decimal("65.536"), Toward.UP) == TargetReduction(type=1, value=66)
    assert target_reduction(Decimal(65535), Toward.UP) == TargetReduction(type=1, value=65535)
    for kw in ("65535.1", "-1", "NaN", "1e99"):
        with pytest.raises(MisuseError):
            target_reduction(Decimal(kw), Toward.UP)
    assert reduction_kw(TargetReduction(type=1, value=12)) == 12
    assert reduction_kw(TargetReduction(type=2, value=1500)) == Decimal("1.5")
    assert reduction_kw(TargetReduction(type=0, value=12)) is None


@pytest.mark.spec("IEEE 2030.5-2018 TimeType")
def test_seconds_are_instants() -> None:
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    assert instant(seconds(at)) == at
    assert seconds(at.replace(microsecond=999_999)) == seconds(at)
    assert instant(-1) == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    for far in (2**63 - 1, -(2**63)):
        with pytest.raises(WireError, match="INVALID_TIME"):
            instant(far)
