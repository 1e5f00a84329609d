"""GG-3nnn: meter data, settlement, evidence."""

from typing import Final

from gateway.domain.codes.row import Move, Row
from gateway.domain.errors import MeterDataError, WireError

_SITE: Final = Move.SITE
_NO: Final = Move.NOBODY
_BUNDLE: Final = (
    "Ask whoever made the bundle for a new one:  gridgate evidence export STATEMENT -o FILE -c FILE"
)
ROWS: Final = (
    Row(
        "GG-3001",
        "UNKNOWN_METER",
        "No such meter",
        _SITE,
        "The batch names a meter that the site's configuration does not have.",
        "Use a meter id of [[site.meter]].",
    ),
    Row(
        "GG-3002",
        "WRONG_INTERVAL",
        "Readings of another interval",
        _SITE,
        "Settlement counts on the interval of [[site.meter]].",
        "Send readings of the configured interval.",
    ),
    Row(
        "GG-3003",
        "OUT_OF_RANGE",
        "A reading that no meter can show",
        _SITE,
        "The value lies beyond what is stored or billed.",
        "Check the unit: energy is in kWh per interval, power in kW.",
        (MeterDataError,),
    ),
    Row(
        "GG-3004",
        "NOT_METERED_YET",
        "A reading of the future",
        _SITE,
        "An interval ends after the gateway's clock: the site's clock is fast.",
        "Check the site's time service.",
    ),
    Row(
        "GG-3005",
        "NOT_A_MULTIPLE",
        "Intervals that do not fit each other",
        Move.OPERATOR,
        "Readings can only be added up to a whole multiple of their interval.",
        "Set settlement_interval to a whole multiple of the meter's interval.",
    ),
    Row(
        "GG-3011",
        "EVENT_STILL_OPEN",
        "The event has no end yet",
        _NO,
        "An open-ended event is settled once it has been closed.",
        "Wait for the utility to close it.",
    ),
    Row(
        "GG-3012",
        "NOTHING_OWED",
        "Nothing was owed",
        _NO,
        "The event asked nothing of the site that could be settled.",
        "Nothing.",
    ),
    Row(
        "GG-3013",
        "TOO_LONG",
        "The event is too long to be settled at once",
        Move.OPERATOR,
        "A statement has a bounded number of intervals.",
        "Choose a longer settlement_interval.",
        (MeterDataError,),
    ),
    Row(
        "GG-3014",
        "RECORDS_INCOMPLETE",
        "Records are missing",
        Move.OPERATOR,
        "The evidence log lacks a record that the statement needs.",
        "Run `gridgate store check`; restore a backup that has them.",
    ),
    Row(
        "GG-3015",
        "WRONG_RECORDS",
        "Records that contradict each other",
        Move.OPERATOR,
        "The logged event, terms or readings do not belong together.",
        "Run `gridgate store check`, and keep the bundle.",
    ),
    Row(
        "GG-3021",
        "MALFORMED_ARCHIVE",
        "The bundle cannot be opened",
        Move.OPERATOR,
        "It is no zip of the form that is exported, or is damaged or too large.",
        _BUNDLE,
        (WireError,),
    ),
    Row(
        "GG-3022",
        "MALFORMED_BUNDLE",
        "The bundle lacks a part",
        Move.OPERATOR,
        "A file of the bundle is missing or is not what its name says.",
        _BUNDLE,
        (WireError,),
    ),
    Row(
        "GG-3023",
        "MALFORMED_RECORD",
        "A record cannot be read",
        Move.OPERATOR,
        "A log record is not of the form that is written.",
        _BUNDLE,
        (WireError,),
    ),
)
