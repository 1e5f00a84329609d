"""The 2030.5 codec loses nothing in any flavour, and damaged bytes are a document or a WireError."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols import xml
from gateway.protocols.sep2._generated.model import DERControl, DERControlList, EndDeviceList
from gateway.protocols.sep2.codec import Edition, Flavour, decode, encode, kinds
from tests.sep2_strategies import FLAVOURS, documents, flavour_name, roots, values

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
BY_FLAVOUR = pytest.mark.parametrize("flavour", FLAVOURS, ids=flavour_name)


def test_every_document_of_some_flavour_is_drawn() -> None:
    assert {row.make for flavour in FLAVOURS for row in roots(flavour)} == set(kinds())


@pytest.mark.spec("IEEE 2030.5-2018 schema")
@pytest.mark.spec("IEEE 2030.5-2023 schema")
@pytest.mark.parametrize(
    ("flavour", "name"),
    [(flavour, row.make.__name__) for flavour in FLAVOURS for row in roots(flavour)],
    ids=lambda each: each if isinstance(each, str) else flavour_name(each),
)
@settings(max_examples=4, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_what_is_written_reads_back_equal_and_leaves_nothing(
    flavour: Flavour, name: str, data: st.DataObject
) -> None:
    value = data.draw(values(name, flavour))

    body = encode(value, flavour)
    found = decode(body, type(value), strict=True)

    assert found.value == value
    assert (found.leftovers, found.findings, found.unreadable) == ((), (), ())
    assert decode(body, type(value)) == found
    assert found.csip_aus == flavour.csip_aus
    assert found.schema_version == ("2.2" if flavour.edition is Edition.Y2023 else None)
    assert encode(found.value, flavour) == body


@BY_FLAVOUR
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(
    data=st.data(),
    at=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 12),
    noise=st.binary(max_size=12) | st.sampled_from((b"<x/>", b"&#0;", b' a="1"', b"<!--", b"&x;")),
    strict=st.booleans(),
    old=st.booleans(),
)
def test_damaged_bytes_are_a_document_or_a_wire_error_and_nothing_else(
    flavour: Flavour,
    data: st.DataObject,
    at: float,
    cut: int,
    noise: bytes,
    strict: bool,
    old: bool,
) -> None:
    body = encode(data.draw(documents(flavour)), flavour)
    position = int(at * len(body))
    damaged = body[:position] + noise + body[position + cut :]

    try:
        found = decode(damaged, object, strict=strict, old_namespace=old)
    except WireError as error:
        assert error.reason
        assert len(error.detail) < 5000
        return
    try:
        again = encode(found.value, Flavour(edition=Edition.Y2023, csip_aus=True, storage=True))
    except MisuseError:
        # A value that only another edition has, e.g. an element that 2023 asks for and 2018 does not.
        return
    assert decode(again, object).value == found.value


@pytest.mark.spec("IEEE 2030.5-2018 leniency")
@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(data=st.data(), flavour=st.sampled_from(FLAVOURS))
def test_every_unknown_leaf_is_left_over(data: st.DataObject, flavour: Flavour) -> None:
    """Foreign elements and attributes are strewn in, anywhere but inside a value; each comes back with its path."""
    body = encode(data.draw(documents(flavour)), flavour)
    root = xml.parse(body)
    value = decode(body, object).value
    inner = [e for e in root.iter() if len(e)] or [root]
    count = data.draw(st.integers(1, 4))
    for number in range(count):
        parent = data.draw(st.sampled_from(inner))
        foreign = parent.makeelement(f"{{urn:vendor}}x{number}", {"v": f"a{number}"})
        foreign.text = f"t{number}"
        parent.insert(data.draw(st.integers(0, len(parent))), foreign)
        parent.set(f"{{urn:vendor}}y{number}", f"b{number}")
    changed = _bytes(root)

    found = decode(changed, object, strict=True)

    assert found.value == value
    told = {(leaf.path, leaf.value) for leaf in found.leftovers}
    assert told <= {(leaf.path, leaf.value) for leaf in xml.leaves(changed)}
    assert sorted(leaf.value for leaf in found.leftovers) == sorted(
        f"{letter}{n}" for letter in "tab" for n in range(count)
    )


def _bytes(root: Any) -> bytes:
    return bytes(etree.tostring(root, encoding="UTF-8"))


@pytest.mark.spec("IEEE 2030.5-2018 leniency")
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(
    data=st.data(),
    name=st.sampled_from(["DERControlList", "EndDeviceList"]),
)
def test_a_broken_member_of_a_list_costs_a_lenient_reader_nothing_else(
    data: st.DataObject, name: str
) -> None:
    flavour = FLAVOURS[0]
    value: DERControlList | EndDeviceList = data.draw(values(name, flavour))
    members = value.der_control if isinstance(value, DERControlList) else value.end_device
    body = encode(value, flavour)
    root = xml.parse(body)
    if not members:
        return
    at = data.draw(st.integers(0, len(members) - 1))
    broken = root[at]
    broken.insert(
        0,
        broken.makeelement(
            "{urn:ieee:std:2030.5:ns}mRID" if name[1] == "E" else "{urn:ieee:std:2030.5:ns}sFDI"
        ),
    )
    damaged = _bytes(root)

    found = decode(damaged, type(value))
    kept = (
        found.value.der_control
        if isinstance(found.value, DERControlList)
        else found.value.end_device
    )

    assert kept == (*members[:at], *members[at + 1 :])
    assert [one.kind for one in found.unreadable] == [name.removesuffix("List")]
    with pytest.raises(WireError):
        decode(damaged, type(value), strict=True)
    if isinstance(members[0], DERControl):
        assert found.unreadable[0].reason == "SCHEMA"
