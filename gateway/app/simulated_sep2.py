"""A 2030.5 utility's list that nobody served: built, written and read by the same code as a real one."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from gateway.app.ids import SystemChance, SystemIds
from gateway.app.simulated_message import EVENT_ID, Idea, Read
from gateway.domain.errors import ConfigError, MisuseError, WireError
from gateway.domain.event import GridEvent, RawMessage
from gateway.domain.names import EventId
from gateway.domain.protocol import ProtocolName
from gateway.protocols.entry import Scope, Tools
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.convert import KILOWATT, readable
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.event import Around, grid_event
from gateway.protocols.sep2.client.levels import reaching
from gateway.protocols.sep2.client.modes import FOLLOWED
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Parts
from gateway.protocols.sep2.codec import decode, encode
from gateway.protocols.sep2.events.codes import FunctionSet
from gateway.protocols.sep2.events.engine import EventEngine
from gateway.protocols.sep2.events.record import Record
from gateway.protocols.sep2.events.values import Program
from gateway.protocols.sep2.quantities import Toward, scaled_kw

MEDIA_TYPE: Final = "application/sep+xml"
MRID: Final = f"{0:024X}00009F1C"
NOBODY: Final = "0" * 40
_WHOLE: Final = 10_000
_MOST: Final = 2**16 - 1
_ALL: Final = 3
_REPLIES: Final = "/rsps/1/rsp"
_PROGRAMS: Final = {
    kind: f"{number:024X}00009F1C"
    for number, kind in enumerate((FunctionSet.DER, FunctionSet.DRLC, FunctionSet.MESSAGING), 1)
}
"""Function set -> mRID of the program that its events would be of."""
_SETS: Final = {
    sep.DERControl: FunctionSet.DER,
    sep.EndDeviceControl: FunctionSet.DRLC,
    sep.TextMessage: FunctionSet.MESSAGING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose message it would be."""

    options: Sep2Options
    scope: Scope
    protocol: ProtocolName
    program: str
    """As configured."""

    def setting(self) -> Setting:
        """Return the utility as a session has it, with nothing stored."""
        return Setting(
            options=self.options,
            scope=self.scope,
            tools=Tools(chance=SystemChance(), ids=SystemIds()),
            protocol=self.protocol,
            parts=Parts(),
        )


def written(idea: Idea, place: Place, now: datetime) -> bytes:
    """Return a list with one event, as a utility of this kind would cap import.

    CSIP-AUS and the edition of 2023 have a mode for it, plain 2030.5 a load control, and CSIP a share of the rating.

    Raises:
        ConfigError: ``ARGUMENT``: it cannot be written.
    """
    if idea.cap_kw is None:
        fault = "--level is for OpenADR; give --cap-kw for a utility that speaks IEEE 2030.5"
        raise ConfigError((fault,), "ARGUMENT")
    setting = place.setting()
    common: dict[str, object] = {
        "href": f"/{EVENT_ID}/1",
        "mrid": MRID,
        "description": EVENT_ID,
        "creation_time": int(now.timestamp()),
        "event_status": sep.EventStatus(
            current_status=0, date_time=int(now.timestamp()), potentially_superseded=False
        ),
        "interval": sep.DateTimeInterval(
            start=int(idea.start.timestamp()), duration=int(idea.duration.total_seconds())
        ),
        "reply_to": _REPLIES,
        "response_required": _ALL,
    }
    if place.protocol is ProtocolName.SEP2 and place.options.edition == "2018":
        found = _load_control(idea.cap_kw, common, place.options)
    else:
        base = _base(idea.cap_kw, setting)
        control = sep.DERControl(der_control_base=base, **common)  # type: ignore[arg-type] # by name
        found = sep.DERControlList(href=f"/{EVENT_ID}", all=1, results=1, der_control=(control,))
    return encode(found, setting.flavour)


def _base(cap_kw: Decimal, setting: Setting) -> sep.DERControlBase:
    if setting.options.csip_aus:
        return sep.DERControlBase(op_mod_imp_lim_w=scaled_kw(sep.ActivePower, cap_kw, Toward.DOWN))
    if setting.options.edition == "2023":
        limit = scaled_kw(sep.UnsignedActivePower, cap_kw, Toward.DOWN)
        return sep.DERControlBase(op_mod_max_lim_w_absorb=limit)
    rated = setting.rating.charge_kw
    share = int(cap_kw / rated * _WHOLE) if rated else 0
    if not 0 <= share <= _WHOLE:
        fault = f"--cap-kw: above the rating of {rated} kW; CSIP names a share of it, give less"
        raise ConfigError((fault,), "ARGUMENT")
    return sep.DERControlBase(op_mod_fixed_w=-share)


def _load_control(cap_kw: Decimal, common: dict[str, object], options: Sep2Options) -> sep.Resource:
    if options.target_reduction != "cap":
        fault = 'a TargetReduction is no cap at this utility; set target_reduction = "cap", or give --message'
        raise ConfigError((fault,), "ARGUMENT")
    if cap_kw > _MOST:
        raise ConfigError(
            (f"--cap-kw: at most {_MOST}, which is all that DRLC can say",), "ARGUMENT"
        )
    control = sep.EndDeviceControl(
        device_category=options.device_category,
        dr_program_mandatory=False,
        load_shift_forward=False,
        target_reduction=sep.TargetReduction(type=KILOWATT, value=int(cap_kw)),
        **common,  # type: ignore[arg-type] # by name
    )
    return sep.EndDeviceControlList(
        href=f"/{EVENT_ID}", all=1, results=1, end_device_control=(control,)
    )


def read(body: bytes, place: Place, now: datetime) -> Read:
    """Read a list of events, or a single one, as the session would.

    Raises:
        WireError: it is no document, or none that holds events.
    """
    decoded = decode(body, object, old_namespace=place.options.old_namespace)
    found = tuple(readable(_members(decoded.value)))
    if not found:
        detail = f"{type(decoded.value).__name__} holds no events; give a list of controls"
        raise WireError("UNKNOWN_MESSAGE", detail)
    sha256 = hashlib.sha256(body).hexdigest()
    raw = RawMessage(body=body, media_type=MEDIA_TYPE, sha256=sha256, peer="", received_at=now)
    setting, at = place.setting(), int(now.timestamp())
    device = Device(
        lfdi=place.scope.lfdi or NOBODY,
        sites=(),
        pin=None,
        engine=EventEngine(place.options.settings(FOLLOWED), setting.tools.chance),
    )
    kinds = {_SETS[type(one)] for one in found}
    programs = [
        Program(server=place.scope.utility, mrid=_PROGRAMS[kind], function_set=kind, primacy=1)
        for kind in sorted(kinds)
    ]
    device.engine.assign(programs, at)
    refused: list[tuple[str, str]] = []
    for one in found:
        control = setting.reader.control(one, _PROGRAMS[_SETS[type(one)]])
        device.listed[control.key] = one
        outcome = device.engine.observe([control], at)
        refused += [
            (respond.key[1], f"{int(respond.status)}: {respond.status.name.lower()}")
            for respond in outcome.responses
            if respond.status > 250
        ]

    events = [
        event
        for record in device.engine.records()
        if (event := _event(place, setting, device, record, raw)) is not None
    ]
    return Read(raw=raw, events=tuple(events), refused=tuple(refused))


def _event(
    place: Place, setting: Setting, device: Device, record: Record, raw: RawMessage
) -> GridEvent | None:
    around = _around(place, setting, device, record, raw)
    stretches = [one for one in device.engine.stretches() if one.key == record.key]
    return grid_event(device.listed[record.key], record, stretches, around, 0)


def _around(
    place: Place, setting: Setting, device: Device, record: Record, raw: RawMessage
) -> Around:
    terms = next((one for one in place.scope.programs if one.name == place.program), None)
    if terms is None:
        raise MisuseError("UNEXPECTED", f"program {place.program} is not in its utility's scope")
    rating = setting.rating_of(())
    return Around(
        utility=place.scope.utility,
        protocol=place.protocol,
        lfdis=(device.lfdi,),
        sites=terms.sites,
        terms=terms,
        rating=rating,
        target_reduction=place.options.target_reduction,
        offset=setting.clock.offset,
        primacy=1,
        event_id=EventId(device.event_id(record.control.mrid)),
        received_at=raw.received_at,
        raw_sha256=raw.sha256,
        ramp=reaching(device, device.listed.get(record.key), rating, {}, new=True),
    )


def _members(found: object) -> tuple[sep.Resource, ...]:
    match found:
        case sep.DERControlList():
            return found.der_control
        case sep.EndDeviceControlList():
            return found.end_device_control
        case sep.TextMessageList():
            return found.text_message
        case sep.DERControl() | sep.EndDeviceControl() | sep.TextMessage():
            return (found,)
        case _:
            return ()
