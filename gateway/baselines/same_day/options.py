"""Options of ``same_day``."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.baselines.method import MethodOptions

Minutes = Annotated[int, Field(ge=-1440, le=1440)]


class MeterWindow(BaseModel):
    """A stretch of the event day in elapsed minutes from the event's start or end: ``[from_min, to_min)``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchor: Literal["start", "end"]
    from_min: Minutes
    to_min: Minutes

    @model_validator(mode="after")
    def _lies_outside_the_event(self) -> Self:
        if self.from_min >= self.to_min:
            raise ValueError("from_min must be less than to_min")
        if self.anchor == "start" and self.to_min > 0:
            raise ValueError("a window before the event ends at its start at the latest")
        if self.anchor == "end" and self.from_min < 0:
            raise ValueError("a window after the event starts at its end at the earliest")
        return self


class SameDayOptions(MethodOptions):
    """Windows whose mean is the baseline; for irregular loads leave an hour between window and notice."""

    family: Literal["same_day"] = "same_day"
    windows: Annotated[tuple[MeterWindow, ...], Field(min_length=1, max_length=8)]
