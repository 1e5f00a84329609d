"""The baseline methods, one line each, and the two questions asked of them."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from gateway.baselines import fsl, same_day
from gateway.baselines.method import Method, MethodOptions, family_of
from gateway.domain.errors import ConfigError
from gateway.domain.settlement import BaselineRequest, BaselineResult
from gateway.domain.timespan import Span

METHODS: Final[Mapping[str, Method]] = {
    "fsl": fsl.METHOD,
    "same_day": same_day.METHOD,
}


def read_method(parameters: Mapping[str, object]) -> tuple[Method, MethodOptions]:
    """Find a method by its ``family`` and read its options.

    Raises:
        ConfigError: for an unknown family, and for every unknown key or value out of range.
    """
    family = family_of(parameters)
    method = METHODS.get(family)
    if method is None:
        known = ", ".join(METHODS)
        raise ConfigError((f"baseline.family: {family[:40]!r} is none of {known}",))
    try:
        return method, method.options.model_validate(dict(parameters))
    except ValidationError as error:
        raise ConfigError(
            tuple(
                f"baseline.{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
                for fault in error.errors()
            )
        ) from None


def compute(request: BaselineRequest) -> BaselineResult:
    """Compute one event's baseline by the method that the request names.

    Raises:
        ConfigError: when the method or its parameters cannot be used with this event and interval.
    """
    method, options = read_method(request.method)
    return method.compute(request, options)


def reach(parameters: Mapping[str, object], event: Span) -> Span:
    """Return the span of readings that a method needs for an event, the event included."""
    method, options = read_method(parameters)
    return method.reach(event, options)
