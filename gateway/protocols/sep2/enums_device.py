"""More numbers by name: devices, metering, demand response, prices, messages, reservations (see ``enums``)."""

from enum import IntEnum, IntFlag


class FunctionSet(IntEnum):
    """``LogEvent.functionSet``."""

    GENERAL = 0
    SUBSCRIPTION = 1
    END_DEVICE = 2
    FUNCTION_SET_ASSIGNMENTS = 3
    RESPONSE = 4
    DRLC = 5
    METERING = 6
    PRICING = 7
    MESSAGING = 8
    BILLING = 9
    PREPAYMENT = 10
    DER = 11
    TIME = 12
    SOFTWARE_DOWNLOAD = 13
    DEVICE_INFORMATION = 14
    POWER_STATUS = 15
    NETWORK_STATUS = 16
    LOG_EVENT = 17
    CONFIGURATION = 18
    SECURITY = 19
    SELF_DEVICE = 20
    """This and the following since 2023."""
    FLOW_RESERVATION = 21
    METERING_MIRROR = 22
    AGGREGATION = 23
    PROXIED_DEVICE = 24


class Implemented(IntFlag):
    """``DeviceInformation.functionsImplemented``."""

    DEVICE_CAPABILITY = 1 << 0
    SELF_DEVICE = 1 << 1
    END_DEVICE = 1 << 2
    FUNCTION_SET_ASSIGNMENTS = 1 << 3
    SUBSCRIPTION = 1 << 4
    RESPONSE = 1 << 5
    TIME = 1 << 6
    DEVICE_INFORMATION = 1 << 7
    POWER_STATUS = 1 << 8
    NETWORK_STATUS = 1 << 9
    LOG_EVENT = 1 << 10
    CONFIGURATION = 1 << 11
    SOFTWARE_DOWNLOAD = 1 << 12
    DRLC = 1 << 13
    METERING = 1 << 14
    PRICING = 1 << 15
    MESSAGING = 1 << 16
    BILLING = 1 << 17
    PREPAYMENT = 1 << 18
    FLOW_RESERVATION = 1 << 19
    DER_CONTROL = 1 << 20
    DER_INFO = 1 << 21
    """This and the following since 2023."""
    METERING_MIRROR = 1 << 22
    AGGREGATED_DEVICE = 1 << 23
    PROXIED_DEVICE = 1 << 24


class Distribution(IntEnum):
    """``distribution``: how an aggregation shares a control (2023)."""

    UNSPECIFIED = 0
    UNIFORM = 1
    PRORATE = 2
    PRIORITY = 3


class Bidirectional(IntEnum):
    """``bidirectional`` of a delta control (2023): whether a device passes through zero."""

    MAY = 0
    SHALL = 1
    SHALL_NOT = 2


class OperatingState(IntEnum):
    """``DeviceStatus.opState``."""

    UNKNOWN = 0
    NOT_OPERATING = 1
    OPERATING = 2
    STARTING_UP = 3
    SHUTTING_DOWN = 4
    AT_DISCONNECT_LEVEL = 5
    KW_RAMPING = 6
    KVAR_RAMPING = 7


class PowerSource(IntEnum):
    """``PowerSourceType``."""

    NONE = 0
    MAINS = 1
    BATTERY = 2
    LOCAL_GENERATION = 3
    EMERGENCY = 4
    UNKNOWN = 5


class BatteryStatus(IntEnum):
    """``PowerStatus.batteryStatus``."""

    UNKNOWN = 0
    NORMAL = 1
    LOW = 2
    DEPLETED = 3
    NONE = 4


class RoleFlag(IntFlag):
    """``roleFlags``."""

    MIRROR = 1 << 0
    PREMISES_AGGREGATION_POINT = 1 << 1
    PEV = 1 << 2
    DER = 1 << 3
    REVENUE_QUALITY = 1 << 4
    DC = 1 << 5
    SUBMETER = 1 << 6

    SITE_MIRROR = 0x0003
    """A site's meter, as CSIP-AUS wants it."""
    DEVICE_MIRROR = 0x0049
    """A device's meter, as CSIP-AUS wants it."""


class Uom(IntEnum):
    """``uom``."""

    NONE = 0
    AMPERE = 5
    KELVIN = 6
    CELSIUS = 23
    VOLT = 29
    JOULE = 31
    HERTZ = 33
    WATT = 38
    CUBIC_METER = 42
    VA = 61
    VAR = 63
    COS_THETA = 65
    VOLT_SQUARED = 67
    AMPERE_SQUARED = 69
    VAH = 71
    WH = 72
    VARH = 73
    AH = 106
    CUBIC_FOOT = 119
    CUBIC_FOOT_PER_HOUR = 122
    CUBIC_METER_PER_HOUR = 125
    US_GALLON = 128
    US_GALLON_PER_HOUR = 129
    IMPERIAL_GALLON = 130
    IMPERIAL_GALLON_PER_HOUR = 131
    BTU = 132
    BTU_PER_HOUR = 133
    LITER = 134
    LITER_PER_HOUR = 137
    PASCAL_GAUGE = 140
    PASCAL_ABSOLUTE = 155
    THERM = 169
    DAY = 195
    """Of CSIP-AUS 1.3: charges per day."""


class Kind(IntEnum):
    """``kind``."""

    NONE = 0
    CURRENCY = 3
    DEMAND = 8
    ENERGY = 12
    POWER = 37


class FlowDirection(IntEnum):
    """``flowDirection``: forward is delivered to the customer."""

    NONE = 0
    FORWARD = 1
    LAGGING = 2
    """This to net since 2023."""
    LEADING = 3
    NET = 4
    REVERSE = 19
    TOTAL = 20
    """This and the following since 2023."""
    TOTAL_BY_PHASE = 21


class DataQualifier(IntEnum):
    """``dataQualifier``."""

    NONE = 0
    AVERAGE = 2
    MAXIMUM = 8
    MINIMUM = 9
    NORMAL = 12
    DEVIATION_OF_POPULATION = 29
    DEVIATION_OF_SAMPLE = 30


class Accumulation(IntEnum):
    """``accumulationBehaviour``."""

    NONE = 0
    BULK = 1
    """Since 2023."""
    CUMULATIVE = 3
    DELTA = 4
    INDICATING = 6
    SUMMATION = 9
    INSTANTANEOUS = 12


class Commodity(IntEnum):
    """``commodity``."""

    NONE = 0
    ELECTRICITY_SECONDARY = 1
    ELECTRICITY_PRIMARY = 2
    AIR = 4
    NATURAL_GAS = 7
    PROPANE = 8
    POTABLE_WATER = 9
    STEAM = 10
    WASTE_WATER = 11
    HEATING_FLUID = 12
    COOLING_FLUID = 13


class Phase(IntEnum):
    """``phase``."""

    NONE = 0
    C = 32
    CN = 33
    CA = 40
    B = 64
    BN = 65
    BC = 66
    A = 128
    AN = 129
    AB = 132
    ABC = 224


class Service(IntEnum):
    """``serviceCategoryKind``."""

    ELECTRICITY = 0
    GAS = 1
    WATER = 2
    TIME = 3
    PRESSURE = 4
    HEAT = 5
    COOLING = 6


class QualityFlag(IntFlag):
    """``qualityFlags``."""

    VALID = 1 << 0
    EDITED = 1 << 1
    ESTIMATED_BY_REFERENCE_DAY = 1 << 2
    INTERPOLATED = 1 << 3
    QUESTIONABLE = 1 << 4
    DERIVED = 1 << 5
    FORECAST = 1 << 6


class ReductionUnit(IntEnum):
    """``UnitType`` of target reductions; its number is also the bit of ``optionsImplemented``."""

    KWH = 0
    KW = 1
    W = 2
    CUBIC_METER = 3
    CUBIC_FOOT = 4
    US_GALLON = 5
    IMPERIAL_GALLON = 6
    BTU = 7
    LITER = 8
    KPA_GAUGE = 9
    KPA_ABSOLUTE = 10
    MJ = 11
    UNITLESS = 12


class LoadControlOption(IntFlag):
    """``optionsImplemented`` above the target reductions."""

    SET_POINT = 1 << 16
    OFFSET = 1 << 17
    DUTY_CYCLE = 1 << 18
    LOAD_ADJUSTMENT = 1 << 19
    APPLIANCE_LOAD_REDUCTION = 1 << 20


class ApplianceReduction(IntEnum):
    """``ApplianceLoadReductionType``."""

    DELAY = 0
    TEMPORARY = 1


class CostKind(IntEnum):
    """``costKind``."""

    CO2 = 0
    SO2 = 1
    NOX = 2
    RENEWABLE_PERCENT = 3


class MessagePriority(IntEnum):
    """``TextMessage.priority``."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


class RequestState(IntEnum):
    """``RequestStatus.requestStatus``."""

    REQUESTED = 0
    CANCELLED = 1


class Currency(IntEnum):
    """``CurrencyCode`` (ISO 4217); the common ones."""

    AUD = 36
    CAD = 124
    GBP = 826
    USD = 840
    EUR = 978
