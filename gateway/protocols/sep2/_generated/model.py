"""The types of IEEE 2030.5 as classes, each holding what any edition and CSIP-AUS know of it.

Generated from ``schemas/sep2`` by ``make sep2-model``; edit those files, not this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocols.sep2.node import Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Resource(Node):
    """A type: ``Resource``."""

    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class IdentifiedObject(Resource):
    """A type: ``IdentifiedObject``."""

    mrid: str
    description: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RespondableResource(Resource):
    """A type: ``RespondableResource``."""

    reply_to: str | None = None
    response_required: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SubscribableResource(Resource):
    """A type: ``SubscribableResource``."""

    subscribable: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SubscribableIdentifiedObject(SubscribableResource):
    """A type: ``SubscribableIdentifiedObject``."""

    mrid: str
    description: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RespondableSubscribableIdentifiedObject(RespondableResource):
    """A type: ``RespondableSubscribableIdentifiedObject``."""

    subscribable: int | None = None
    mrid: str
    description: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class List(Resource):
    """A type: ``List``."""

    all: int
    results: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SubscribableList(SubscribableResource):
    """A type: ``SubscribableList``."""

    all: int
    results: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Link(Node):
    """A type: ``Link``."""

    href: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ListLink(Link):
    """A type: ``ListLink``."""

    all: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Event(RespondableSubscribableIdentifiedObject):
    """A type: ``Event``."""

    creation_time: int
    event_status: EventStatus
    interval: DateTimeInterval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RandomizableEvent(Event):
    """A type: ``RandomizableEvent``."""

    randomize_duration: int | None = None
    randomize_start: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EventStatus(Node):
    """A type: ``EventStatus``."""

    current_status: int
    date_time: int
    potentially_superseded: bool
    potentially_superseded_time: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DateTimeInterval(Node):
    """A type: ``DateTimeInterval``."""

    duration: int
    start: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Error(Node):
    """A document: ``Error``."""

    max_retry_duration: int | None = None
    reason_code: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FunctionSetAssignmentsBase(Resource):
    """A type: ``FunctionSetAssignmentsBase``."""

    customer_account_list_link: ListLink | None = None
    demand_response_program_list_link: ListLink | None = None
    der_program_list_link: ListLink | None = None
    file_list_link: ListLink | None = None
    messaging_program_list_link: ListLink | None = None
    prepayment_list_link: ListLink | None = None
    response_set_list_link: ListLink | None = None
    tariff_profile_list_link: ListLink | None = None
    time_link: Link | None = None
    usage_point_list_link: ListLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DeviceCapability(FunctionSetAssignmentsBase):
    """A document: ``DeviceCapability``."""

    poll_rate: int | None = None
    end_device_list_link: ListLink | None = None
    mirror_usage_point_list_link: ListLink | None = None
    self_device_link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AbstractDevice(SubscribableResource):
    """A type: ``AbstractDevice``."""

    aggregated_device_list_link: ListLink | None = None
    aggregation_priority_link: Link | None = None
    configuration_link: Link | None = None
    der_list_link: ListLink | None = None
    device_category: int | None = None
    device_information_link: Link | None = None
    device_status_link: Link | None = None
    distribution: int | None = None
    file_status_link: Link | None = None
    ip_interface_list_link: ListLink | None = None
    lfdi: str | None = None
    load_shed_availability_list_link: ListLink | None = None
    log_event_list_link: ListLink | None = None
    phase: int | None = None
    power_status_link: Link | None = None
    sfdi: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EndDeviceList(SubscribableList):
    """A document: ``EndDeviceList``."""

    poll_rate: int | None = None
    end_device: tuple[EndDevice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EndDevice(AbstractDevice):
    """A document: ``EndDevice``."""

    changed_time: int
    enabled: bool | None = None
    flow_reservation_request_list_link: ListLink | None = None
    flow_reservation_response_list_link: ListLink | None = None
    function_set_assignments_list_link: ListLink | None = None
    post_rate: int | None = None
    registration_link: Link | None = None
    proxied_device_list_link: ListLink | None = None
    subscription_list_link: ListLink | None = None
    connection_point_link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SelfDevice(AbstractDevice):
    """A document: ``SelfDevice``."""

    poll_rate: int | None = None
    proxied_device_list_link: ListLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Registration(Resource):
    """A document: ``Registration``."""

    poll_rate: int | None = None
    date_time_registered: int
    pin: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Time(Resource):
    """A document: ``Time``."""

    poll_rate: int | None = None
    current_time: int
    dst_end_time: int
    dst_offset: int
    dst_start_time: int
    local_time: int | None = None
    quality: int
    tz_offset: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FunctionSetAssignmentsList(SubscribableList):
    """A document: ``FunctionSetAssignmentsList``."""

    poll_rate: int | None = None
    function_set_assignments: tuple[FunctionSetAssignments, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FunctionSetAssignments(FunctionSetAssignmentsBase):
    """A document: ``FunctionSetAssignments``."""

    subscribable: int | None = None
    mrid: str
    description: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DeviceInformation(Resource):
    """A document: ``DeviceInformation``."""

    poll_rate: int | None = None
    connection_point_id: str | None = None
    drlc_capabilities: DRLCCapabilities | None = None
    functions_implemented: int | None = None
    gps_location: GPSLocationType | None = None
    lfdi: str
    mf_date: int
    mf_hw_ver: str
    mf_id: int
    mf_info: str | None = None
    mf_model: str
    mf_ser_num: str
    primary_power: int
    secondary_power: int
    supported_locale_list_link: ListLink | None = None
    sw_act_time: int
    sw_ver: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DRLCCapabilities(Node):
    """A type: ``DRLCCapabilities``."""

    average_energy: RealEnergy
    max_demand: ActivePower
    options_implemented: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GPSLocationType(Node):
    """A type: ``GPSLocationType``."""

    lat: str
    lon: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SupportedLocaleList(List):
    """A document: ``SupportedLocaleList``."""

    supported_locale: tuple[SupportedLocale, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SupportedLocale(Resource):
    """A document: ``SupportedLocale``."""

    locale: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DeviceStatus(Resource):
    """A document: ``DeviceStatus``."""

    poll_rate: int | None = None
    changed_time: int
    on_count: int | None = None
    op_state: int | None = None
    op_time: int | None = None
    temperature: tuple[Temperature, ...] = ()
    time_link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Temperature(Node):
    """A type: ``Temperature``."""

    multiplier: int
    subject: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PowerStatus(Resource):
    """A document: ``PowerStatus``."""

    poll_rate: int | None = None
    battery_status: int
    changed_time: int
    current_power_source: int
    estimated_charge_remaining: int | None = None
    estimated_time_remaining: int | None = None
    pev_info: PEVInfo | None = None
    session_time_on_battery: int | None = None
    total_time_on_battery: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PEVInfo(Node):
    """A type: ``PEVInfo``."""

    charging_power_now: ActivePower
    energy_request_now: RealEnergy
    max_forward_power: ActivePower
    minimum_charging_duration: int
    target_state_of_charge: int
    time_charge_is_needed: int
    time_charging_status_pev: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Configuration(SubscribableResource):
    """A document: ``Configuration``."""

    poll_rate: int | None = None
    current_locale: str
    power_configuration: PowerConfiguration | None = None
    price_response_cfg_list_link: ListLink | None = None
    time_configuration: TimeConfiguration | None = None
    user_device_name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PowerConfiguration(Node):
    """A type: ``PowerConfiguration``."""

    battery_install_time: int | None = None
    low_charge_threshold: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TimeConfiguration(Node):
    """A type: ``TimeConfiguration``."""

    dst_end_rule: int
    dst_offset: int
    dst_start_rule: int
    tz_offset: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PriceResponseCfgList(List):
    """A document: ``PriceResponseCfgList``."""

    price_response_cfg: tuple[PriceResponseCfg, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PriceResponseCfg(Resource):
    """A document: ``PriceResponseCfg``."""

    consume_threshold: int
    max_reduction_threshold: int
    rate_component_link: Link


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LogEventList(SubscribableList):
    """A document: ``LogEventList``."""

    poll_rate: int | None = None
    log_event: tuple[LogEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LogEvent(Resource):
    """A document: ``LogEvent``."""

    created_date_time: int
    details: str | None = None
    extended_data: int | None = None
    function_set: int
    log_event_code: int
    log_event_id: int
    log_event_pen: int
    profile_id: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SubscriptionBase(Resource):
    """A type: ``SubscriptionBase``."""

    subscribed_resource: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SubscriptionList(List):
    """A document: ``SubscriptionList``."""

    poll_rate: int | None = None
    subscription: tuple[Subscription, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Subscription(SubscriptionBase):
    """A document: ``Subscription``."""

    condition: Condition | None = None
    encoding: int
    level: str
    limit: int
    notification_uri: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Condition(Node):
    """A type: ``Condition``."""

    attribute_identifier: int
    lower_threshold: int
    upper_threshold: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NotificationList(List):
    """A document: ``NotificationList``."""

    notification: tuple[Notification, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Notification(SubscriptionBase):
    """A document: ``Notification``."""

    created_date_time: int | None = None
    new_resource_uri: str | None = None
    resource: Resource | None = None
    status: int
    subscription_uri: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ResponseSetList(List):
    """A document: ``ResponseSetList``."""

    poll_rate: int | None = None
    response_set: tuple[ResponseSet, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ResponseSet(IdentifiedObject):
    """A document: ``ResponseSet``."""

    response_list_link: ListLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ResponseList(List):
    """A document: ``ResponseList``."""

    response: tuple[Response, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Response(Resource):
    """A document: ``Response``."""

    created_date_time: int | None = None
    end_device_lfdi: str
    status: int | None = None
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERControlResponse(Response):
    """A document: ``DERControlResponse``."""

    modes_responded: int | None = None
    modes_responded2: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DrResponse(Response):
    """A document: ``DrResponse``."""

    appliance_load_reduction: ApplianceLoadReduction | None = None
    applied_target_reduction: AppliedTargetReduction | None = None
    duty_cycle: DutyCycle | None = None
    offset: Offset | None = None
    override_duration: int | None = None
    set_point: SetPoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PriceResponse(Response):
    """A document: ``PriceResponse``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TextResponse(Response):
    """A document: ``TextResponse``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FlowReservationResponseResponse(Response):
    """A document: ``FlowReservationResponseResponse``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERList(List):
    """A document: ``DERList``."""

    poll_rate: int | None = None
    der: tuple[DER, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DER(SubscribableResource):
    """A document: ``DER``."""

    associated_der_program_list_link: ListLink | None = None
    associated_usage_point_link: Link | None = None
    current_der_controls_link: Link | None = None
    current_der_program_link: Link | None = None
    der_availability_link: Link | None = None
    der_capability_link: Link | None = None
    der_component_list_link: ListLink | None = None
    der_settings_link: Link | None = None
    der_status_link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERCapability(Resource):
    """A document: ``DERCapability``."""

    modes_supported: int
    modes_supported2: int | None = None
    rtg_abnormal_category: int | None = None
    rtg_max_a: CurrentRMS | None = None
    rtg_max_ah: AmpereHour | None = None
    rtg_max_charge_rate_va: ApparentPower | None = None
    rtg_max_charge_rate_w: ActivePower | None = None
    rtg_max_discharge_rate_va: ApparentPower | None = None
    rtg_max_discharge_rate_w: ActivePower | None = None
    rtg_max_v: VoltageRMS | None = None
    rtg_max_va: ApparentPower | None = None
    rtg_max_var: ReactivePower | None = None
    rtg_max_var_neg: ReactivePower | None = None
    rtg_max_w: ActivePower
    rtg_max_wh: WattHour | None = None
    rtg_min_pf_over_excited: PowerFactor | None = None
    rtg_min_pf_under_excited: PowerFactor | None = None
    rtg_min_v: VoltageRMS | None = None
    rtg_normal_category: int | None = None
    rtg_over_excited_pf: PowerFactor | None = None
    rtg_over_excited_w: ActivePower | None = None
    rtg_reactive_susceptance: ReactiveSusceptance | None = None
    rtg_under_excited_pf: PowerFactor | None = None
    rtg_under_excited_w: ActivePower | None = None
    rtg_v_nom: VoltageRMS | None = None
    type: int
    doe_modes_supported: int | None = None
    vpp_modes_supported: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERSettings(SubscribableResource):
    """A document: ``DERSettings``."""

    modes_enabled: int | None = None
    modes_enabled2: int | None = None
    set_es_delay: int | None = None
    set_es_high_freq: int | None = None
    set_es_high_volt: int | None = None
    set_es_low_freq: int | None = None
    set_es_low_volt: int | None = None
    set_es_ramp_tms: int | None = None
    set_es_random_delay: int | None = None
    set_grad_w: int
    set_max_a: CurrentRMS | None = None
    set_max_ah: AmpereHour | None = None
    set_max_charge_rate_va: ApparentPower | None = None
    set_max_charge_rate_w: ActivePower | None = None
    set_max_discharge_rate_va: ApparentPower | None = None
    set_max_discharge_rate_w: ActivePower | None = None
    set_max_v: VoltageRMS | None = None
    set_max_va: ApparentPower | None = None
    set_max_var: ReactivePower | None = None
    set_max_var_neg: ReactivePower | None = None
    set_max_w: ActivePower
    set_max_wh: WattHour | None = None
    set_min_pf_over_excited: PowerFactor | None = None
    set_min_pf_under_excited: PowerFactor | None = None
    set_min_v: VoltageRMS | None = None
    set_soft_grad_w: int | None = None
    set_v_nom: VoltageRMS | None = None
    set_v_ref: VoltageRMS | None = None
    set_v_ref_ofs: VoltageRMS | None = None
    updated_time: int
    doe_modes_enabled: int | None = None
    vpp_modes_enabled: int | None = None
    set_min_wh: WattHour | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERStatus(SubscribableResource):
    """A document: ``DERStatus``."""

    alarm_status: int | None = None
    connect_status: ConnectStatusType2 | None = None
    gen_connect_status: ConnectStatusType | None = None
    inverter_status: InverterStatusType | None = None
    local_control_mode_status: LocalControlModeStatusType | None = None
    manufacturer_status: ManufacturerStatusType | None = None
    operational_mode_status: OperationalModeStatusType | None = None
    reading_time: int
    state_of_charge_status: StateOfChargeStatusType | None = None
    storage_mode_status: StorageModeStatusType | None = None
    stor_connect_status: ConnectStatusType | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERAvailability(SubscribableResource):
    """A document: ``DERAvailability``."""

    availability_duration: int | None = None
    max_charge_duration: int | None = None
    reading_time: int
    reserve_charge_percent: int | None = None
    reserve_percent: int | None = None
    stat_var_absorb_avail: UnsignedReactivePower | None = None
    stat_var_avail: ReactivePower | None = None
    stat_w_absorb_avail: UnsignedActivePower | None = None
    stat_w_avail: ActivePower | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERProgramList(SubscribableList):
    """A document: ``DERProgramList``."""

    poll_rate: int | None = None
    der_program: tuple[DERProgram, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERProgram(SubscribableIdentifiedObject):
    """A document: ``DERProgram``."""

    active_der_control_list_link: ListLink | None = None
    default_der_control_link: Link | None = None
    der_control_list_link: ListLink | None = None
    der_curve_list_link: ListLink | None = None
    primacy: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERControlList(SubscribableList):
    """A document: ``DERControlList``."""

    der_control: tuple[DERControl, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERControl(RandomizableEvent):
    """A document: ``DERControl``."""

    der_control_base: DERControlBase
    device_category: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DefaultDERControl(SubscribableIdentifiedObject):
    """A document: ``DefaultDERControl``."""

    reply_to: str | None = None
    response_required: int | None = None
    der_control_base: DERControlBase
    set_es_delay: int | None = None
    set_es_high_freq: int | None = None
    set_es_high_volt: int | None = None
    set_es_low_freq: int | None = None
    set_es_low_volt: int | None = None
    set_es_ramp_tms: int | None = None
    set_es_random_delay: int | None = None
    set_grad_w: int | None = None
    set_soft_grad_w: int | None = None
    updated_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERControlBase(Node):
    """A type: ``DERControlBase``."""

    op_mod_connect: bool | None = None
    op_mod_delta_var: ReactivePowerDeltaControlType | None = None
    op_mod_delta_w: ActivePowerDeltaControlType | None = None
    op_mod_energize: bool | None = None
    op_mod_fixed_pf_absorb_w: PowerFactorWithExcitation | None = None
    op_mod_fixed_pf_inject_w: PowerFactorWithExcitation | None = None
    op_mod_fixed_v: int | None = None
    op_mod_fixed_var: FixedVar | None = None
    op_mod_fixed_w: int | None = None
    op_mod_freq_droop: FreqDroopType | None = None
    op_mod_freq_watt: Link | None = None
    op_mod_grid_connect_permit: bool | None = None
    op_mod_hfrt_may_trip: Link | None = None
    op_mod_hfrt_must_trip: Link | None = None
    op_mod_hvrt_may_trip: Link | None = None
    op_mod_hvrt_momentary_cessation: Link | None = None
    op_mod_hvrt_must_trip: Link | None = None
    op_mod_island_permit: bool | None = None
    op_mod_lfrt_may_trip: Link | None = None
    op_mod_lfrt_must_trip: Link | None = None
    op_mod_lvrt_may_trip: Link | None = None
    op_mod_lvrt_momentary_cessation: Link | None = None
    op_mod_lvrt_must_trip: Link | None = None
    op_mod_max_lim_pct_va_absorb: int | None = None
    op_mod_max_lim_pct_va_inject: int | None = None
    op_mod_max_lim_pct_var_absorb: UnsignedFixedVar | None = None
    op_mod_max_lim_pct_var_inject: UnsignedFixedVar | None = None
    op_mod_max_lim_pct_w_absorb: int | None = None
    op_mod_max_lim_var_absorb: UnsignedReactivePower | None = None
    op_mod_max_lim_var_inject: UnsignedReactivePower | None = None
    op_mod_max_lim_w: int | None = None
    op_mod_max_lim_w_absorb: UnsignedActivePower | None = None
    op_mod_max_lim_w_inject: UnsignedActivePower | None = None
    op_mod_target_v: VoltageRMS | None = None
    op_mod_target_var: ReactivePower | None = None
    op_mod_target_w: ActivePower | None = None
    op_mod_volt_var: Link | None = None
    op_mod_volt_watt: Link | None = None
    op_mod_watt_pf: Link | None = None
    op_mod_watt_var: Link | None = None
    ramp_tms: int | None = None
    op_mod_imp_lim_w: ActivePower | None = None
    op_mod_exp_lim_w: ActivePower | None = None
    op_mod_gen_lim_w: ActivePower | None = None
    op_mod_load_lim_w: ActivePower | None = None
    op_mod_storage_target_w: ActivePower | None = None
    disabled: frozenset[str] = frozenset()
    """The fields of modes that carry ``disabled="true"`` (2023)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FreqDroopType(Node):
    """A type: ``FreqDroopType``."""

    dbof: int
    dbuf: int
    kof: int
    kuf: int
    open_loop_tms: int
    p_min: ActivePower | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERCurveList(List):
    """A document: ``DERCurveList``."""

    der_curve: tuple[DERCurve, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERCurve(IdentifiedObject):
    """A document: ``DERCurve``."""

    autonomous_v_ref_enable: bool | None = None
    autonomous_v_ref_time_constant: int | None = None
    creation_time: int
    curve_data: tuple[CurveData, ...]
    curve_type: int
    open_loop_tms: int | None = None
    ramp_dec_tms: int | None = None
    ramp_inc_tms: int | None = None
    ramp_pt1_tms: int | None = None
    v_ref: int | None = None
    x_multiplier: int
    y_multiplier: int
    y_ref_type: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CurveData(Node):
    """A type: ``CurveData``."""

    excitation: bool | None = None
    xvalue: int
    yvalue: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ConnectStatusType(Node):
    """A type: ``ConnectStatusType``."""

    date_time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class InverterStatusType(Node):
    """A type: ``InverterStatusType``."""

    date_time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class OperationalModeStatusType(Node):
    """A type: ``OperationalModeStatusType``."""

    date_time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StorageModeStatusType(Node):
    """A type: ``StorageModeStatusType``."""

    date_time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LocalControlModeStatusType(Node):
    """A type: ``LocalControlModeStatusType``."""

    date_time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StateOfChargeStatusType(Node):
    """A type: ``StateOfChargeStatusType``."""

    date_time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ManufacturerStatusType(Node):
    """A type: ``ManufacturerStatusType``."""

    date_time: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MirrorUsagePointList(List):
    """A document: ``MirrorUsagePointList``."""

    subscribable: int | None = None
    poll_rate: int | None = None
    mirror_usage_point: tuple[MirrorUsagePoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UsagePointBase(IdentifiedObject):
    """A type: ``UsagePointBase``."""

    role_flags: int
    service_category_kind: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MirrorUsagePoint(UsagePointBase):
    """A document: ``MirrorUsagePoint``."""

    subscribable: int | None = None
    device_lfdi: str
    mirror_meter_reading: tuple[MirrorMeterReading, ...] = ()
    post_rate: int | None = None
    usage_point_link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MeterReadingBase(IdentifiedObject):
    """A type: ``MeterReadingBase``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MirrorMeterReadingList(List):
    """A document: ``MirrorMeterReadingList``."""

    mirror_meter_reading: tuple[MirrorMeterReading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MirrorMeterReading(MeterReadingBase):
    """A document: ``MirrorMeterReading``."""

    last_update_time: int | None = None
    mirror_reading_set: tuple[MirrorReadingSet, ...] = ()
    next_update_time: int | None = None
    reading: Reading | None = None
    reading_type: ReadingType | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReadingSetBase(IdentifiedObject):
    """A type: ``ReadingSetBase``."""

    time_period: DateTimeInterval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MirrorReadingSet(ReadingSetBase):
    """A type: ``MirrorReadingSet``."""

    reading: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReadingBase(Resource):
    """A type: ``ReadingBase``."""

    consumption_block: int | None = None
    quality_flags: int | None = None
    time_period: DateTimeInterval | None = None
    tou_tier: int | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Reading(ReadingBase):
    """A document: ``Reading``."""

    subscribable: int | None = None
    local_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReadingType(Resource):
    """A document: ``ReadingType``."""

    accumulation_behaviour: int | None = None
    calorific_value: UnitValueType | None = None
    commodity: int | None = None
    conversion_factor: UnitValueType | None = None
    data_qualifier: int | None = None
    flow_direction: int | None = None
    interval_length: int | None = None
    kind: int | None = None
    max_number_of_intervals: int | None = None
    number_of_consumption_blocks: int | None = None
    number_of_tou_tiers: int | None = None
    phase: int | None = None
    power_of_ten_multiplier: int | None = None
    sub_interval_length: int | None = None
    supply_limit: int | None = None
    tiered_consumption_blocks: bool | None = None
    uom: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UsagePointList(SubscribableList):
    """A document: ``UsagePointList``."""

    poll_rate: int | None = None
    usage_point: tuple[UsagePoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UsagePoint(UsagePointBase):
    """A document: ``UsagePoint``."""

    device_lfdi: str | None = None
    meter_reading_list_link: ListLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MeterReadingList(SubscribableList):
    """A document: ``MeterReadingList``."""

    meter_reading: tuple[MeterReading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MeterReading(MeterReadingBase):
    """A document: ``MeterReading``."""

    rate_component_list_link: ListLink | None = None
    reading_link: Link | None = None
    reading_set_list_link: ListLink | None = None
    reading_type_link: Link


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReadingSetList(SubscribableList):
    """A document: ``ReadingSetList``."""

    reading_set: tuple[ReadingSet, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReadingSet(ReadingSetBase):
    """A document: ``ReadingSet``."""

    reading_list_link: ListLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReadingList(SubscribableList):
    """A document: ``ReadingList``."""

    reading: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DemandResponseProgramList(SubscribableList):
    """A document: ``DemandResponseProgramList``."""

    poll_rate: int | None = None
    demand_response_program: tuple[DemandResponseProgram, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DemandResponseProgram(IdentifiedObject):
    """A document: ``DemandResponseProgram``."""

    active_end_device_control_list_link: ListLink | None = None
    availability_update_percent_change_threshold: int | None = None
    availability_update_power_change_threshold: ActivePower | None = None
    end_device_control_list_link: ListLink | None = None
    primacy: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EndDeviceControlList(SubscribableList):
    """A document: ``EndDeviceControlList``."""

    end_device_control: tuple[EndDeviceControl, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EndDeviceControl(RandomizableEvent):
    """A document: ``EndDeviceControl``."""

    appliance_load_reduction: ApplianceLoadReduction | None = None
    device_category: int
    dr_program_mandatory: bool
    duty_cycle: DutyCycle | None = None
    load_shift_forward: bool
    offset: Offset | None = None
    override_duration: int | None = None
    set_point: SetPoint | None = None
    target_reduction: TargetReduction | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LoadShedAvailabilityList(List):
    """A document: ``LoadShedAvailabilityList``."""

    poll_rate: int | None = None
    load_shed_availability: tuple[LoadShedAvailability, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LoadShedAvailability(Resource):
    """A document: ``LoadShedAvailability``."""

    availability_duration: int | None = None
    demand_response_program_link: Link | None = None
    sheddable_percent: int | None = None
    sheddable_power: ActivePower | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ApplianceLoadReduction(Node):
    """A type: ``ApplianceLoadReduction``."""

    type: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DutyCycle(Node):
    """A type: ``DutyCycle``."""

    normal_value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Offset(Node):
    """A type: ``Offset``."""

    cooling_offset: int | None = None
    heating_offset: int | None = None
    load_adjustment_percentage_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SetPoint(Node):
    """A type: ``SetPoint``."""

    cooling_setpoint: int | None = None
    heating_setpoint: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TargetReduction(Node):
    """A type: ``TargetReduction``."""

    type: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AppliedTargetReduction(Node):
    """A type: ``AppliedTargetReduction``."""

    type: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TariffProfileList(SubscribableList):
    """A document: ``TariffProfileList``."""

    poll_rate: int | None = None
    tariff_profile: tuple[TariffProfile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TariffProfile(IdentifiedObject):
    """A document: ``TariffProfile``."""

    binding_prices: bool | None = None
    currency: int | None = None
    date_announced: int | None = None
    date_effective: int | None = None
    local_price: bool | None = None
    location: GeographicLocationType | None = None
    price_power_of_ten_multiplier: int | None = None
    primacy: int
    rate_code: str | None = None
    rate_code_long: str | None = None
    rate_component_list_link: ListLink | None = None
    retailer: str | None = None
    retailer_long: str | None = None
    service_category_kind: int
    tariff_description_external_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RateComponentList(List):
    """A document: ``RateComponentList``."""

    rate_component: tuple[RateComponent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RateComponent(IdentifiedObject):
    """A document: ``RateComponent``."""

    active_time_tariff_interval_list_link: ListLink | None = None
    flow_rate_end_limit: UnitValueType | None = None
    flow_rate_start_limit: UnitValueType | None = None
    reading_type_link: Link
    role_flags: int
    time_tariff_interval_list_link: ListLink


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TimeTariffIntervalList(SubscribableList):
    """A document: ``TimeTariffIntervalList``."""

    time_tariff_interval: tuple[TimeTariffInterval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TimeTariffInterval(RandomizableEvent):
    """A document: ``TimeTariffInterval``."""

    consumption_tariff_interval_list_link: ListLink | None = None
    tou_tier: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ConsumptionTariffIntervalList(List):
    """A document: ``ConsumptionTariffIntervalList``."""

    consumption_tariff_interval: tuple[ConsumptionTariffInterval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ConsumptionTariffInterval(Resource):
    """A document: ``ConsumptionTariffInterval``."""

    consumption_block: int
    environmental_cost: tuple[EnvironmentalCost, ...] = ()
    price: int | None = None
    start_value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class EnvironmentalCost(Node):
    """A type: ``EnvironmentalCost``."""

    amount: int
    cost_kind: int
    cost_level: int
    num_cost_levels: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MessagingProgramList(SubscribableList):
    """A document: ``MessagingProgramList``."""

    poll_rate: int | None = None
    messaging_program: tuple[MessagingProgram, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class MessagingProgram(SubscribableIdentifiedObject):
    """A document: ``MessagingProgram``."""

    active_text_message_list_link: ListLink | None = None
    locale: str
    primacy: int
    text_message_list_link: ListLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TextMessageList(SubscribableList):
    """A document: ``TextMessageList``."""

    text_message: tuple[TextMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TextMessage(Event):
    """A document: ``TextMessage``."""

    originator: str | None = None
    priority: int
    text_message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FlowReservationRequestList(List):
    """A document: ``FlowReservationRequestList``."""

    poll_rate: int | None = None
    flow_reservation_request: tuple[FlowReservationRequest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FlowReservationRequest(IdentifiedObject):
    """A document: ``FlowReservationRequest``."""

    creation_time: int
    duration_requested: int | None = None
    energy_requested: SignedRealEnergy
    interval_requested: DateTimeInterval
    power_requested: ActivePower
    request_status: RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RequestStatus(Node):
    """A type: ``RequestStatus``."""

    date_time: int
    request_status: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FlowReservationResponseList(SubscribableList):
    """A document: ``FlowReservationResponseList``."""

    poll_rate: int | None = None
    flow_reservation_response: tuple[FlowReservationResponse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FlowReservationResponse(Event):
    """A document: ``FlowReservationResponse``."""

    energy_available: SignedRealEnergy
    power_available: ActivePower
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ActivePower(Node):
    """A type: ``ActivePower``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReactivePower(Node):
    """A type: ``ReactivePower``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ApparentPower(Node):
    """A type: ``ApparentPower``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CurrentRMS(Node):
    """A type: ``CurrentRMS``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class VoltageRMS(Node):
    """A type: ``VoltageRMS``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class WattHour(Node):
    """A type: ``WattHour``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AmpereHour(Node):
    """A type: ``AmpereHour``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReactiveSusceptance(Node):
    """A type: ``ReactiveSusceptance``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RealEnergy(Node):
    """A type: ``RealEnergy``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SignedRealEnergy(Node):
    """A type: ``SignedRealEnergy``."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PowerFactor(Node):
    """A type: ``PowerFactor``."""

    displacement: int
    multiplier: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PowerFactorWithExcitation(Node):
    """A type: ``PowerFactorWithExcitation``."""

    displacement: int
    excitation: bool
    multiplier: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FixedVar(Node):
    """A type: ``FixedVar``."""

    ref_type: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UnitValueType(Node):
    """A type: ``UnitValueType``."""

    multiplier: int
    unit: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ExternalDevice(AbstractDevice):
    """A type: ``ExternalDevice``; since 2023."""

    changed_time: int
    enabled: bool | None = None
    flow_reservation_request_list_link: ListLink | None = None
    flow_reservation_response_list_link: ListLink | None = None
    function_set_assignments_list_link: ListLink | None = None
    post_rate: int | None = None
    registration_link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProxiedDeviceList(SubscribableList):
    """A document: ``ProxiedDeviceList``; since 2023."""

    poll_rate: int | None = None
    proxied_device: tuple[ProxiedDevice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ProxiedDevice(ExternalDevice):
    """A document: ``ProxiedDevice``; since 2023."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AggregatedDeviceList(SubscribableList):
    """A document: ``AggregatedDeviceList``; since 2023."""

    poll_rate: int | None = None
    aggregated_device: tuple[AggregatedDevice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AggregatedDevice(Resource):
    """A document: ``AggregatedDevice``; since 2023."""

    changed_time: int
    device_category: int | None = None
    enabled: bool | None = None
    lfdi: str
    sfdi: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AggregationPriority(IdentifiedObject):
    """A document: ``AggregationPriority``; since 2023."""

    priority_data: tuple[PriorityData, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PriorityData(Node):
    """A type: ``PriorityData``; since 2023."""

    lfdi: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DefaultDERControlResponse(Response):
    """A document: ``DefaultDERControlResponse``; since 2023."""

    defaults_responded: int
    modes_responded: int
    modes_responded2: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERComponentList(List):
    """A document: ``DERComponentList``; since 2023."""

    der_component: tuple[DERComponent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERComponentBase(SubscribableResource):
    """A type: ``DERComponentBase``; since 2023."""

    associated_usage_point_link: Link | None = None
    der_availability_link: Link | None = None
    der_capability_link: Link | None = None
    der_settings_link: Link | None = None
    der_status_link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DERComponent(DERComponentBase):
    """A document: ``DERComponent``; since 2023."""

    lfdi: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ConnectStatusType2(Node):
    """A type: ``ConnectStatusType2``; since 2023."""

    date_time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CurrentDERControls(SubscribableResource):
    """A document: ``CurrentDERControls``; since 2023."""

    op_mod_connect: bool | None = None
    op_mod_delta_var: ReactivePowerDeltaControlType | None = None
    op_mod_delta_w: ActivePowerDeltaControlType | None = None
    op_mod_energize: bool | None = None
    op_mod_fixed_pf_absorb_w: PowerFactorWithExcitation | None = None
    op_mod_fixed_pf_inject_w: PowerFactorWithExcitation | None = None
    op_mod_fixed_v: int | None = None
    op_mod_fixed_var: FixedVar | None = None
    op_mod_fixed_w: int | None = None
    op_mod_freq_droop: FreqDroopType | None = None
    op_mod_freq_watt: DERCurve | None = None
    op_mod_grid_connect_permit: bool | None = None
    op_mod_hfrt_may_trip: DERCurve | None = None
    op_mod_hfrt_must_trip: DERCurve | None = None
    op_mod_hvrt_may_trip: DERCurve | None = None
    op_mod_hvrt_momentary_cessation: DERCurve | None = None
    op_mod_hvrt_must_trip: DERCurve | None = None
    op_mod_island_permit: bool | None = None
    op_mod_lfrt_may_trip: DERCurve | None = None
    op_mod_lfrt_must_trip: DERCurve | None = None
    op_mod_lvrt_may_trip: DERCurve | None = None
    op_mod_lvrt_momentary_cessation: DERCurve | None = None
    op_mod_lvrt_must_trip: DERCurve | None = None
    op_mod_max_lim_pct_va_absorb: int | None = None
    op_mod_max_lim_pct_va_inject: int | None = None
    op_mod_max_lim_pct_var_absorb: UnsignedFixedVar | None = None
    op_mod_max_lim_pct_var_inject: UnsignedFixedVar | None = None
    op_mod_max_lim_pct_w_absorb: int | None = None
    op_mod_max_lim_var_absorb: UnsignedReactivePower | None = None
    op_mod_max_lim_var_inject: UnsignedReactivePower | None = None
    op_mod_max_lim_w: int | None = None
    op_mod_max_lim_w_absorb: UnsignedActivePower | None = None
    op_mod_max_lim_w_inject: UnsignedActivePower | None = None
    op_mod_target_v: VoltageRMS | None = None
    op_mod_target_var: ReactivePower | None = None
    op_mod_target_w: ActivePower | None = None
    op_mod_volt_var: DERCurve | None = None
    op_mod_volt_watt: DERCurve | None = None
    op_mod_watt_pf: DERCurve | None = None
    op_mod_watt_var: DERCurve | None = None
    updated_time: int
    disabled: frozenset[str] = frozenset()
    """The fields of modes that carry ``disabled="true"`` (2023)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GeographicLocationType(Node):
    """A type: ``GeographicLocationType``; since 2023."""

    country: str
    subdivision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UnsignedActivePower(Node):
    """A type: ``UnsignedActivePower``; since 2023."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UnsignedReactivePower(Node):
    """A type: ``UnsignedReactivePower``; since 2023."""

    multiplier: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class UnsignedFixedVar(Node):
    """A type: ``UnsignedFixedVar``; since 2023."""

    ref_type: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ActivePowerDeltaControlType(ActivePower):
    """A type: ``ActivePowerDeltaControlType``; since 2023."""

    bidirectional: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ReactivePowerDeltaControlType(ReactivePower):
    """A type: ``ReactivePowerDeltaControlType``; since 2023."""

    bidirectional: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ConnectionPoint(Resource):
    """A document: ``ConnectionPointType`` of CSIP-AUS."""

    connection_point_id: str
