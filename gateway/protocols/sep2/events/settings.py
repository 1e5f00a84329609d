"""How a utility reads the standard, where readings differ: one setting each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.protocols.sep2.events.codes import Code


class Supersede(StrEnum):
    """Which code tells that an event of another program has displaced this one."""

    SPEC = "spec"
    """By relation: same program 7, other program 14, other server 13."""
    SUNSPEC = "sunspec"
    """As the errata of the CSIP procedures V1.3: 14 when displaced before the start, 7 when running; 13."""
    SUNSPEC_PRINTED = "sunspec_printed"
    """As their printed text: 7 for whatever program of the server; 13."""
    ALWAYS_7 = "always7"


class CancelRandom(StrEnum):
    """How long an event runs on that was cancelled with randomization."""

    UNIFORM = "uniform"
    """Drawn from zero to the greater of both randomizations."""
    FULL = "full"
    """The greater of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a device is, and how its utility reads IEEE 2030.5; shared by the engines of many devices."""

    edition: Literal[2018, 2023] = 2018
    categories: int = 0
    """deviceCategory bits of the device; an event for other categories is not even answered."""
    supported: frozenset[str] | None = None
    """Modes that the device can follow; None: whatever comes."""
    supersede_code: Supersede = Supersede.SPEC
    resume: bool | None = None
    """Take up what is left of a displaced event; None: as the edition says (2018 no, 2023 yes)."""
    vanished_cancels: bool | None = None
    """An event missing from a complete list is cancelled; None: as the edition says (2018 no, 2023 yes)."""
    cancel_random: CancelRandom = CancelRandom.UNIFORM
    allow_edits: bool = False
    """Follow a server that changes an event under its mRID; otherwise what came first holds, and is reported."""
    keep_withdrawn: bool = False
    """Run an event to its end although its program is no longer assigned; otherwise it stops at once."""
    response_codes: frozenset[Code] | None = None
    """The only codes that the utility takes; 13 and 14 become 7 where they are not among them. None: all."""
    keep_s: int = 86_400
    """How long after its end an event that is no longer listed is remembered, in seconds."""
    most_controls: int = 2000
    """Events remembered per device; further ones are refused unanswered and reported."""

    @property
    def resumes(self) -> bool:
        """Say whether displaced events are taken up again."""
        return self.edition == 2023 if self.resume is None else self.resume

    @property
    def vanishing_cancels(self) -> bool:
        """Say whether an event that a complete list misses is cancelled."""
        return self.edition == 2023 if self.vanished_cancels is None else self.vanished_cancels

    @property
    def unsupported(self) -> Code:
        """Return the code for an event that cannot be followed."""
        return Code.NOT_SUPPORTED if self.edition == 2023 else Code.NOT_APPLICABLE
