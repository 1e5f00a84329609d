"""The kinds of programs: where they stand in an assignment, and what their events are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.protocols.sep2._generated import model as sep


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramKind:
    """One kind of program."""

    link: str
    """Of an assignment, to the list of its programs."""
    listed: type[sep.Resource]
    events: type[sep.Resource]
    """What it lists: its events; of a tariff, the components under which they are."""
    events_link: str


_DER: Final = ProgramKind(
    link="der_program_list_link",
    listed=sep.DERProgramList,
    events=sep.DERControlList,
    events_link="der_control_list_link",
)
_DR: Final = ProgramKind(
    link="demand_response_program_list_link",
    listed=sep.DemandResponseProgramList,
    events=sep.EndDeviceControlList,
    events_link="end_device_control_list_link",
)
_MESSAGING: Final = ProgramKind(
    link="messaging_program_list_link",
    listed=sep.MessagingProgramList,
    events=sep.TextMessageList,
    events_link="text_message_list_link",
)
_PRICING: Final = ProgramKind(
    link="tariff_profile_list_link",
    listed=sep.TariffProfileList,
    events=sep.RateComponentList,
    events_link="rate_component_list_link",
)
PROGRAMS: Final[Mapping[type[sep.Resource], ProgramKind]] = {
    sep.DERProgram: _DER,
    sep.DemandResponseProgram: _DR,
    sep.MessagingProgram: _MESSAGING,
    sep.TariffProfile: _PRICING,
}
