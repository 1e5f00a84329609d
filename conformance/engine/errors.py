"""Why a case could not be played as written; none of these is the device's fault."""


class SuiteError(Exception):
    """A run cannot begin or go on: wrong data, wrong use, evidence that does not fit."""


class PreconditionError(Exception):
    """The device could not be brought into the state that the case begins with."""


class DriverMissingError(Exception):
    """The driver has no such method."""
