"""The numbers of IEEE 2030.5 and CSIP-AUS by name.

Fields of the model are plain numbers, since a peer may send one that no edition names: a reserved value means nothing
and is no fault. ``EventState.CANCELLED == status.current_status`` compares; ``named(EventState, 9)`` is None.
"""

from enum import IntEnum, IntFlag
from typing import Final, TypeVar

E = TypeVar("E", bound=IntEnum)

PEN: Final = 40732
"""The private enterprise number of IEEE 2030.5 itself, as in ``logEventPEN``."""
PROFILE: Final = 2
"""``profileID`` of IEEE 2030.5."""


def named(kind: type[E], number: int | None) -> E | None:
    """Return the name of a number, None for a reserved or absent one."""
    try:
        return None if number is None else kind(number)
    except ValueError:
        return None


class EventState(IntEnum):
    """``EventStatus.currentStatus``."""

    SCHEDULED = 0
    ACTIVE = 1
    CANCELLED = 2
    CANCELLED_WITH_RANDOMIZATION = 3
    SUPERSEDED = 4
    """Deprecated in 2023."""
    COMPLETED = 5
    """Since 2023."""


class ResponseStatus(IntEnum):
    """``Response.status`` (IEEE 2030.5-2018 Table 27, -2023 Table 31)."""

    RECEIVED = 1
    STARTED = 2
    COMPLETED = 3
    OPTED_OUT = 4
    OPTED_IN = 5
    CANCELLED = 6
    SUPERSEDED = 7
    PARTLY_COMPLETED_OPTED_OUT = 8
    PARTLY_COMPLETED_OPTED_IN = 9
    COMPLETED_WITHOUT_PARTICIPATION = 10
    ACKNOWLEDGED = 11
    NOT_DISPLAYABLE = 12
    ABORTED_BY_OTHER_SERVER = 13
    ABORTED_BY_OTHER_PROGRAM = 14
    RESUMED = 15
    """Since 2023."""
    NOT_SUPPORTED = 251
    """Since 2023; a server of 2018 gets ``REJECTED_PARAMETER``."""
    REJECTED_PARAMETER = 252
    REJECTED_INVALID = 253
    REJECTED_EXPIRED = 254


class ResponseRequired(IntFlag):
    """``responseRequired``."""

    RECEIPT = 1
    SPECIFIC = 2
    USER = 4


class NotificationStatus(IntEnum):
    """``Notification.status``."""

    DEFAULT = 0
    CANCELLED = 1
    MOVED = 2
    DEFINITION_CHANGED = 3
    DELETED = 4


class Subscribable(IntEnum):
    """``subscribable``."""

    NO = 0
    UNCONDITIONAL = 1
    CONDITIONAL = 2
    BOTH = 3


class Encoding(IntEnum):
    """``Subscription.encoding``."""

    XML = 0
    EXI = 1


class ErrorReason(IntEnum):
    """``Error.reasonCode``."""

    INVALID_FORMAT = 0
    INVALID_VALUES = 1
    RESOURCE_LIMIT = 2
    CONDITION_NOT_SUPPORTED = 3
    TOO_FREQUENT = 4


class TimeQuality(IntEnum):
    """``Time.quality``."""

    AUTHORITATIVE = 3
    FROM_LEVEL_3 = 4
    MANUAL_OR_FROM_LEVEL_4 = 5
    FROM_LEVEL_5 = 6
    UNCOORDINATED = 7


class Primacy(IntEnum):
    """The named values of ``PrimacyType``; the lowest wins."""

    IN_HOME = 0
    CONTRACTED_PROVIDER = 1
    NON_CONTRACTUAL_PROVIDER = 2


class ControlMode(IntFlag):
    """``DERControlType``: ``modesSupported``, ``modesEnabled``, ``modesResponded``."""

    CHARGE = 1 << 0
    DISCHARGE = 1 << 1
    CONNECT = 1 << 2
    ENERGIZE = 1 << 3
    FIXED_PF_ABSORB_W = 1 << 4
    FIXED_PF_INJECT_W = 1 << 5
    FIXED_VAR = 1 << 6
    FIXED_W = 1 << 7
    FREQ_DROOP = 1 << 8
    FREQ_WATT = 1 << 9
    HFRT_MAY_TRIP = 1 << 10
    HFRT_MUST_TRIP = 1 << 11
    HVRT_MAY_TRIP = 1 << 12
    HVRT_MOMENTARY_CESSATION = 1 << 13
    HVRT_MUST_TRIP = 1 << 14
    LFRT_MAY_TRIP = 1 << 15
    LFRT_MUST_TRIP = 1 << 16
    LVRT_MAY_TRIP = 1 << 17
    LVRT_MOMENTARY_CESSATION = 1 << 18
    LVRT_MUST_TRIP = 1 << 19
    MAX_LIM_W = 1 << 20
    TARGET_VAR = 1 << 21
    TARGET_W = 1 << 22
    VOLT_VAR = 1 << 23
    VOLT_WATT = 1 << 24
    WATT_PF = 1 << 25
    WATT_VAR = 1 << 26
    DELTA_VAR = 1 << 27
    """This and the following since 2023."""
    DELTA_W = 1 << 28
    FIXED_V = 1 << 29
    GRID_CONNECT_PERMIT = 1 << 30
    ISLAND_PERMIT = 1 << 31


class ControlMode2(IntFlag):
    """``DERControlType2`` (2023)."""

    MAX_LIM_PCT_VA_ABSORB = 1 << 0
    MAX_LIM_PCT_VA_INJECT = 1 << 1
    MAX_LIM_PCT_VAR_ABSORB = 1 << 2
    MAX_LIM_PCT_VAR_INJECT = 1 << 3
    MAX_LIM_PCT_W_ABSORB = 1 << 4
    MAX_LIM_VAR_ABSORB = 1 << 5
    MAX_LIM_VAR_INJECT = 1 << 6
    MAX_LIM_W_ABSORB = 1 << 7
    MAX_LIM_W_INJECT = 1 << 8
    TARGET_V = 1 << 9


class DefaultSetting(IntFlag):
    """``DefaultDERControlType`` (2023)."""

    ES_DELAY = 1 << 0
    ES_HIGH_FREQ = 1 << 1
    ES_HIGH_VOLT = 1 << 2
    ES_LOW_FREQ = 1 << 3
    ES_LOW_VOLT = 1 << 4
    ES_RAMP_TMS = 1 << 5
    ES_RANDOM_DELAY = 1 << 6
    GRAD_W = 1 << 7
    SOFT_GRAD_W = 1 << 8


class DoeMode(IntFlag):
    """``DOEControlType`` of CSIP-AUS."""

    EXP_LIM_W = 1
    IMP_LIM_W = 2
    GEN_LIM_W = 4
    LOAD_LIM_W = 8


class VppMode(IntFlag):
    """``VPPControlType`` of CSIP-AUS."""

    STORAGE_TARGET_W = 1


class CurveType(IntEnum):
    """``DERCurveType``."""

    FREQ_WATT = 0
    HFRT_MAY_TRIP = 1
    HFRT_MUST_TRIP = 2
    HVRT_MAY_TRIP = 3
    HVRT_MOMENTARY_CESSATION = 4
    HVRT_MUST_TRIP = 5
    LFRT_MAY_TRIP = 6
    LFRT_MUST_TRIP = 7
    LVRT_MAY_TRIP = 8
    LVRT_MOMENTARY_CESSATION = 9
    LVRT_MUST_TRIP = 10
    VOLT_VAR = 11
    VOLT_WATT = 12
    WATT_PF = 13
    WATT_VAR = 14


class UnitRef(IntEnum):
    """``DERUnitRefType``: what a percentage is of."""

    NONE = 0
    SET_MAX_W = 1
    SET_MAX_VAR = 2
    STAT_VAR_AVAIL = 3
    SET_EFFECTIVE_V = 4
    SET_MAX_CHARGE_RATE_W = 5
    SET_MAX_DISCHARGE_RATE_W = 6
    STAT_W_AVAIL = 7
    SET_MAX_VA = 8
    """Since 2023."""


class DerType(IntEnum):
    """``DERType``."""

    UNKNOWN = 0
    VIRTUAL_OR_MIXED = 1
    RECIPROCATING_ENGINE = 2
    FUEL_CELL = 3
    PHOTOVOLTAIC = 4
    COMBINED_HEAT_AND_POWER = 5
    OTHER_GENERATION = 6
    OTHER_STORAGE = 80
    ELECTRIC_VEHICLE = 81
    EVSE = 82
    PHOTOVOLTAIC_AND_STORAGE = 83


class DeviceCategory(IntFlag):
    """``DeviceCategoryType``; a data center is a commercial load, an energy management system or both."""

    THERMOSTAT = 1 << 0
    STRIP_HEATER = 1 << 1
    BASEBOARD_HEATER = 1 << 2
    WATER_HEATER = 1 << 3
    POOL_PUMP = 1 << 4
    SAUNA = 1 << 5
    HOT_TUB = 1 << 6
    SMART_APPLIANCE = 1 << 7
    IRRIGATION_PUMP = 1 << 8
    COMMERCIAL_LOAD = 1 << 9
    SIMPLE_MISC_LOAD = 1 << 10
    EXTERIOR_LIGHTING = 1 << 11
    INTERIOR_LIGHTING = 1 << 12
    LOAD_CONTROL_SWITCH = 1 << 13
    ENERGY_MANAGEMENT_SYSTEM = 1 << 14
    SMART_ENERGY_MODULE = 1 << 15
    ELECTRIC_VEHICLE = 1 << 16
    EVSE = 1 << 17
    VIRTUAL_OR_MIXED_DER = 1 << 18
    RECIPROCATING_ENGINE = 1 << 19
    FUEL_CELL = 1 << 20
    PHOTOVOLTAIC = 1 << 21
    COMBINED_HEAT_AND_POWER = 1 << 22
    PHOTOVOLTAIC_AND_STORAGE = 1 << 23
    OTHER_GENERATION = 1 << 24
    OTHER_STORAGE = 1 << 25
    MICROGRID_CONTROLLER = 1 << 26
    """Since 2023."""


class ConnectStatus(IntFlag):
    """``genConnectStatus`` and ``storConnectStatus``."""

    CONNECTED = 1
    AVAILABLE = 2
    OPERATING = 4
    TEST = 8
    FAULT = 16


class ConnectStatus2(IntFlag):
    """``connectStatus`` (2023)."""

    CONNECTED = 1
    ENERGIZED = 2


class OperationalMode(IntEnum):
    """``operationalModeStatus``; from 100 on those with which CSIP-AUS reports demand response."""

    UNKNOWN = 0
    OFF = 1
    OPERATIONAL = 2
    TEST = 3
    DISCONNECTED = 100
    LOAD_0 = 101
    LOAD_50 = 102
    LOAD_75 = 103
    LOAD_100 = 104
    GENERATION_0 = 105
    GENERATION_50 = 106
    GENERATION_75 = 107
    GENERATION_100 = 108


class InverterState(IntEnum):
    """``inverterStatus``."""

    NONE = 0
    OFF = 1
    SLEEPING = 2
    STARTING = 3
    RUNNING = 4
    """Tracking the maximum power point, in the words of 2018."""
    FORCED_REDUCTION = 5
    SHUTTING_DOWN = 6
    FAULT = 7
    STANDBY = 8
    TEST = 9
    MANUFACTURER = 10


class StorageMode(IntEnum):
    """``storageModeStatus``."""

    CHARGING = 0
    DISCHARGING = 1
    HOLDING = 2


class LocalControlMode(IntEnum):
    """``localControlModeStatus``."""

    LOCAL = 0
    REMOTE = 1


class Alarm(IntFlag):
    """``alarmStatus``; its log events are ``2 * bit`` and, on return to normal, ``2 * bit + 1``."""

    OVER_CURRENT = 1 << 0
    OVER_VOLTAGE = 1 << 1
    UNDER_VOLTAGE = 1 << 2
    OVER_FREQUENCY = 1 << 3
    UNDER_FREQUENCY = 1 << 4
    VOLTAGE_IMBALANCE = 1 << 5
    CURRENT_IMBALANCE = 1 << 6
    EMERGENCY_LOCAL = 1 << 7
    EMERGENCY_REMOTE = 1 << 8
    LOW_POWER_INPUT = 1 << 9
    PHASE_ROTATION = 1 << 10

    @property
    def log_event_code(self) -> int:
        """Return the ``logEventCode`` of one alarm; its return to normal is one more."""
        return 2 * (self.bit_length() - 1)
