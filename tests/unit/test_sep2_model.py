"""The generated classes and tables of IEEE 2030.5 are what the type tables say."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from conformance.sep2model import __main__ as sep2model
from conformance.sep2model import merge
from gateway.domain.errors import MisuseError
from gateway.protocols.sep2 import notation
from gateway.protocols.sep2._generated import model
from gateway.protocols.sep2._generated.rows import ROWS

SMALL = """
edition 2018
namespace sep urn:x

simple UInt8 integer 0 255
simple Level UInt8 0 3   # narrower

type Base
  @href UInt8
type Thing < Base root
  level Level
  mRID UInt8 ?
  more UInt8 1..10
"""


def test_the_generated_modules_are_those_of_the_type_tables() -> None:
    for name, text in sep2model.texts().items():
        found = (sep2model.TARGET / name).read_text(encoding="utf-8")
        assert found == text, f"{name} is stale: make sep2-model"


def test_the_notation_is_read_as_its_head_explains() -> None:
    edition = notation.read(SMALL)

    thing = edition.types["Thing"]
    assert (thing.base, thing.root) == ("Base", "Thing")
    assert [(m.name, m.least, m.most) for m in thing.members] == [
        ("level", 1, 1),
        ("mRID", 0, 1),
        ("more", 1, 10),
    ]
    assert merge.simples([edition])["Level"].high == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("typo Thing", "begins no line"),
        ("type Base", "stands twice"),
        ("simple UInt8 integer 0", "takes 2 bounds"),
        ("simple Other UInt8 3", "two bounds"),
        ("type Other >", "says nothing"),
        ("  more UInt8 often", "no occurrence"),
        ("  more", "line 14"),
    ],
)
def test_a_line_that_is_not_of_the_notation_is_told(line: str, said: str) -> None:
    with pytest.raises(MisuseError, match=said):
        notation.read(SMALL + line)


def test_an_edition_that_reorders_is_refused() -> None:
    second = notation.read(
        SMALL.replace("  level Level\n  mRID UInt8 ?\n", "  mRID UInt8 ?\n  level Level\n")
    )

    with pytest.raises(ValueError, match="Thing: an edition drops or reorders"):
        merge.structs(notation.read(SMALL), second, notation.read("edition aus"))


def test_an_edition_that_changes_a_type_is_refused() -> None:
    second = notation.read(SMALL.replace("level Level", "level UInt8"))

    with pytest.raises(ValueError, match=r"Thing\.level: Level became UInt8"):
        merge.structs(notation.read(SMALL), second, notation.read("edition aus"))


@pytest.mark.parametrize(
    ("element", "field"),
    [
        ("lFDI", "lfdi"),
        ("mRID", "mrid"),
        ("pIN", "pin"),
        ("dBOF", "dbof"),
        ("pMin", "p_min"),
        ("opModImpLimW", "op_mod_imp_lim_w"),
        ("opModFixedPFAbsorbW", "op_mod_fixed_pf_absorb_w"),
        ("opModMaxLimPctVAAbsorb", "op_mod_max_lim_pct_va_absorb"),
        ("opModHVRTMomentaryCessation", "op_mod_hvrt_momentary_cessation"),
        ("DERControlBase", "der_control_base"),
        ("setESHighFreq", "set_es_high_freq"),
        ("endDeviceLFDI", "end_device_lfdi"),
    ],
)
def test_a_field_is_the_element_in_snake_case(element: str, field: str) -> None:
    assert merge.field_of(element) == field


def test_no_type_has_a_field_twice() -> None:
    for row in ROWS:
        fields = [part.field for part in (*row.attributes, *row.elements)]
        assert len(fields) == len(set(fields)), row.type_name


def test_an_object_tells_what_is_set_and_no_pin() -> None:
    power = model.ActivePower(multiplier=0, value=0)

    assert repr(model.DERControlBase(op_mod_imp_lim_w=power, op_mod_connect=False)) == (
        "DERControlBase(op_mod_connect=False, op_mod_imp_lim_w=ActivePower(multiplier=0, value=0))"
    )
    assert repr(model.Resource()) == "Resource()"
    assert "111115" not in repr(model.Registration(date_time_registered=1, pin=111115))


def test_objects_are_equal_by_class_and_value_and_cannot_be_changed() -> None:
    power = model.ActivePower(multiplier=0, value=1)

    assert power == model.ActivePower(multiplier=0, value=1)
    assert hash(power) == hash(replace(power))
    assert power != model.ActivePower(multiplier=1, value=1)
    assert power != model.ReactivePower(multiplier=0, value=1)
    assert model.Resource() != model.List(all=0, results=0)
    assert len({power, replace(power), replace(power, value=2)}) == 2
    assert pickle.loads(pickle.dumps(power)) == power
    with pytest.raises(FrozenInstanceError):
        power.value = 2  # type: ignore[misc] # the case
