"""LFDI, SFDI, PIN and mRID, with the standard's own examples."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import WireError
from gateway.protocols.sep2 import identity
from gateway.protocols.sep2.identity import PenEncoding

EXAMPLE = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"


@pytest.mark.spec("IEEE 2030.5-2018 6.3.2", "IEEE 2030.5-2018 6.3.4")
def test_the_lfdi_is_the_left_160_bits_of_the_certificates_digest() -> None:
    assert identity.lfdi_of(b"der") == hashlib.sha256(b"der").hexdigest()[:40].upper()


@pytest.mark.spec("IEEE 2030.5-2018 6.3.3", "CSIP BASIC-001")
def test_the_standards_own_example_gives_its_sfdi() -> None:
    assert identity.sfdi_of(EXAMPLE) == 167261211391
    assert identity.sfdi_text(167261211391) == "167-261-211-391"
    assert identity.is_sfdi(167261211391)


@pytest.mark.spec("IEEE 2030.5-2018 6.3.3")
def test_a_short_sfdi_is_padded_in_a_label() -> None:
    assert identity.sfdi_of("0" * 40) == 0
    assert identity.sfdi_label(identity.sfdi_of("000000001" + "0" * 31)) == "000000000019"


@pytest.mark.spec("IEEE 2030.5-2018 6.3.3")
@given(st.binary(min_size=20, max_size=20))
def test_every_lfdi_has_an_sfdi_that_checks(raw: bytes) -> None:
    found = identity.sfdi_of(raw.hex())

    assert found // 10 == int.from_bytes(raw, "big") >> 124
    assert sum(map(int, str(found))) % 10 == 0
    assert identity.is_sfdi(found)
    assert not identity.is_sfdi(found + 1)


@pytest.mark.spec("IEEE 2030.5-2018 6.3.3")
def test_a_number_of_more_than_36_bits_is_no_sfdi() -> None:
    assert not identity.is_sfdi(2**36 * 10 + 2)
    assert not identity.is_sfdi(-19)


@pytest.mark.spec("IEEE 2030.5-2018 6.3.5")
@pytest.mark.parametrize(("number", "pin"), [(12345, 123455), (11111, 111115), (84647, 846471)])
def test_the_six_digits_of_a_pin_sum_to_a_multiple_of_ten(number: int, pin: int) -> None:
    assert identity.pin_of(number) == pin
    assert identity.pin_doubt(pin) is None


@pytest.mark.spec("IEEE 2030.5-2018 6.3.5")
def test_a_wrong_check_digit_is_a_warning_that_names_the_right_one() -> None:
    doubt = identity.pin_doubt(846479)

    assert doubt is not None
    assert "wants 1" in doubt
    assert identity.pin_doubt(0) is None


@pytest.mark.spec("IEEE 2030.5-2018 6.3.5")
@pytest.mark.parametrize("number", [-1, 100000])
def test_a_pin_of_six_digits_before_the_check_digit_is_refused(number: int) -> None:
    with pytest.raises(WireError, match="five digits"):
        identity.pin_of(number)


@pytest.mark.spec("IEEE 2030.5-2018 6.3.5")
@pytest.mark.parametrize("pin", [-1, 1_000_000])
def test_a_pin_beyond_six_digits_is_refused(pin: int) -> None:
    with pytest.raises(WireError, match="999999"):
        identity.pin_doubt(pin)


@pytest.mark.spec("IEEE 2030.5-2018 HexBinary160")
def test_hex_is_compared_as_a_number() -> None:
    assert identity.same_hex("00ab", "AB")
    assert identity.same_hex("0", "000")
    assert not identity.same_hex("AB", "BA")
    assert not identity.same_hex("", "")
    assert not identity.same_hex("xyz", "xyz")


@pytest.mark.spec("IEEE 2030.5-2018 HexBinary160", "IEEE 2030.5-2018 MRID")
def test_identifiers_are_written_upper_case_and_in_full_length() -> None:
    assert identity.mrid("ab12") == "0" * 28 + "AB12"
    assert identity.lfdi(EXAMPLE.lower()) == EXAMPLE
    assert identity.mrid("00" + "f" * 32) == "F" * 32


@pytest.mark.spec("IEEE 2030.5-2018 MRID")
@pytest.mark.parametrize("text", ["", "0x12", "F" * 33, "12 34", "\u0661", "12\n"])
def test_what_is_no_mrid_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="32 hex digits"):
        identity.mrid(text)


@pytest.mark.spec("IEEE 2030.5-2018 MRID", "CSIP-AUS PEN")
@pytest.mark.parametrize(
    ("encoding", "digits"), [(PenEncoding.HEX, "00009F1C"), (PenEncoding.DECIMAL, "00040732")]
)
def test_an_mrid_ends_in_its_creators_number(encoding: PenEncoding, digits: str) -> None:
    made = identity.mrid_of(b"site 1 power", 40732, encoding)

    assert made == identity.mrid_of(b"site 1 power", 40732, encoding)
    assert made != identity.mrid_of(b"site 2 power", 40732, encoding)
    assert made.endswith(digits)
    assert len(made) == 32
    assert identity.pens_of(made)[encoding] == 40732


@pytest.mark.spec("CSIP-AUS PEN")
def test_both_readings_of_a_creators_number_are_offered() -> None:
    assert identity.pens_of("1" * 24 + "00040732") == {
        PenEncoding.HEX: 0x40732,
        PenEncoding.DECIMAL: 40732,
    }
    assert PenEncoding.DECIMAL not in identity.pens_of("1" * 24 + "00009F1C")


@pytest.mark.parametrize(
    ("pen", "encoding"),
    [(10**8, PenEncoding.DECIMAL), (2**32, PenEncoding.HEX), (-1, PenEncoding.HEX)],
)
def test_a_creators_number_that_does_not_fit_is_refused(pen: int, encoding: PenEncoding) -> None:
    with pytest.raises(WireError, match="eight digits"):
        identity.mrid_of(b"", pen, encoding)


@pytest.mark.spec("CSIP-AUS PEN")
def test_a_managed_device_gets_an_lfdi_of_its_aggregator() -> None:
    made = identity.managed_lfdi(b"nmi 1", 40732)

    assert len(made) == 40
    assert made.endswith("00040732")
    assert identity.is_sfdi(identity.sfdi_of(made))
