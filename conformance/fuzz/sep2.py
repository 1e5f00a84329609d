"""The codec of IEEE 2030.5 under attack: whole documents of its function sets, and what must hold for damaged ones."""

from typing import Final

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.sep2._generated import model as m
from gateway.protocols.sep2.codec import Decoded, Edition, Flavour, decode, encode

LFDI: Final = "3E4F45AB31EDFE5B67E343E5E4562E31984E23E5"
WIDEST: Final = Flavour(edition=Edition.Y2023, csip_aus=True, storage=True)
_POWER: Final = m.ActivePower(multiplier=4, value=15000)
_SPAN: Final = m.DateTimeInterval(duration=900, start=1_777_816_800)
_STATUS: Final = m.EventStatus(
    current_status=1, date_time=1_777_816_800, potentially_superseded=False, reason="peak"
)


def seeds() -> tuple[bytes, ...]:
    """Return whole documents of every shape: lists, mixed types, curves, texts, additions of CSIP-AUS."""
    documents = (
        _controls(),
        _notification(),
        _drlc(),
        _curve(),
        _mirror(),
        _responses(),
        _device(),
    )
    bare = m.DeviceCapability(href="/dcap", poll_rate=300, time_link=m.Link(href="/tm"))
    return (
        *(encode(document, WIDEST) for document in documents),
        encode(bare, Flavour(edition=Edition.Y2018)),
    )


def reader(body: bytes) -> None:
    """Read a document in both moods: what is read, written and read again is the same document.

    Raises:
        AssertionError: It is not, or a strict reader takes what a lenient one does not, or otherwise.
    """
    strict = _read(body, strict=True)
    lenient = _read(body, strict=False)
    if strict is not None and (lenient is None or lenient.value != strict.value):
        raise AssertionError("a lenient reader understood something else than a strict one")
    if lenient is None:
        return
    try:
        again = encode(lenient.value, WIDEST)
    except MisuseError:
        return  # e.g. no doeModesSupported: read from anybody, required of us
    if decode(again, object, strict=True).value != lenient.value:
        raise AssertionError("a document changed on its way through the codec")


def _read(body: bytes, *, strict: bool) -> Decoded[object] | None:
    try:
        return decode(body, object, strict=strict, old_namespace=True)
    except WireError:
        return None


def _control(number: int) -> m.DERControl:
    base = m.DERControlBase(
        op_mod_connect=True,
        op_mod_fixed_w=-5000,
        op_mod_max_lim_w_absorb=m.UnsignedActivePower(multiplier=4, value=30000),
        op_mod_volt_var=m.Link(href="/dc/1"),
        op_mod_imp_lim_w=_POWER,
        op_mod_storage_target_w=_POWER,
        disabled=frozenset({"op_mod_fixed_w"}),
    )
    return m.DERControl(
        href=f"/derc/{number}",
        reply_to="/rsp",
        response_required=3,
        mrid=f"{number:024X}00040732",
        description="a limit <&> ü",
        creation_time=1_777_816_000,
        event_status=_STATUS,
        interval=_SPAN,
        randomize_start=-30,
        der_control_base=base,
        device_category=0x4200,
    )


def _controls() -> m.DERControlList:
    members = tuple(map(_control, range(3)))
    return m.DERControlList(href="/derc", all=3, results=3, subscribable=1, der_control=members)


def _notification() -> m.Notification:
    return m.Notification(
        subscribed_resource="/derc",
        created_date_time=1_777_816_800,
        resource=_controls(),
        status=0,
        subscription_uri="https://utility.example/sub/1",
    )


def _drlc() -> m.EndDeviceControl:
    return m.EndDeviceControl(
        mrid="AB" * 16,
        creation_time=1,
        event_status=_STATUS,
        interval=_SPAN,
        device_category=0x4200,
        dr_program_mandatory=False,
        load_shift_forward=False,
        offset=m.Offset(load_adjustment_percentage_offset=2500),
        target_reduction=m.TargetReduction(type=1, value=65535),
    )


def _curve() -> m.DERCurve:
    return m.DERCurve(
        mrid="CD" * 16,
        creation_time=1,
        curve_data=tuple(m.CurveData(xvalue=x, yvalue=-x) for x in range(4)),
        curve_type=11,
        x_multiplier=-2,
        y_multiplier=-2,
        y_ref_type=3,
    )


def _mirror() -> m.MirrorUsagePoint:
    numbers = enumerate((0, 2**47, -(2**47)))
    values = tuple(m.Reading(quality_flags=1, value=value, local_id=at) for at, value in numbers)
    sets = m.MirrorReadingSet(mrid="02", time_period=_SPAN, reading=values)
    kind = m.ReadingType(commodity=1, flow_direction=1, kind=37, power_of_ten_multiplier=3, uom=38)
    meter = m.MirrorMeterReading(mrid="01", mirror_reading_set=(sets,), reading_type=kind)
    return m.MirrorUsagePoint(
        mrid="00",
        role_flags=3,
        service_category_kind=0,
        status=1,
        device_lfdi=LFDI,
        mirror_meter_reading=(meter,),
        post_rate=300,
    )


def _responses() -> m.ResponseList:
    of_control = m.DERControlResponse(
        end_device_lfdi=LFDI, status=2, subject="AB", modes_responded=4
    )
    of_drlc = m.DrResponse(
        end_device_lfdi=LFDI,
        status=3,
        subject="CD",
        applied_target_reduction=m.AppliedTargetReduction(type=1, value=9),
    )
    plain = m.Response(end_device_lfdi=LFDI, subject="EF")
    return m.ResponseList(all=3, results=3, response=(plain, of_control, of_drlc))


def _device() -> m.EndDevice:
    return m.EndDevice(
        href="/edev/1",
        lfdi=LFDI,
        sfdi=167261211391,
        changed_time=1,
        enabled=True,
        der_list_link=m.ListLink(href="/edev/1/der", all=1),
        connection_point_link=m.Link(href="/edev/1/cp"),
    )
