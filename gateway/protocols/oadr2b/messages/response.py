"""Application answers: the code block that most messages carry, and the bare answer."""

from dataclasses import dataclass

OK = "200"
"""The response code of success; any code starting with 2 means success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EiResponse:
    """How the receiver took a message.

    Spec: OpenADR 2.0b schema, eiResponse; rules 42 and 48.
    """

    response_code: str = OK
    """Three digits; the first decides, as in HTTP."""
    response_description: str | None = None
    request_id: str
    """Of the message answered; empty after a message that has none."""

    @property
    def is_success(self) -> bool:
        """Say whether the code reports success (2xx)."""
        return self.response_code.startswith("2")


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrResponse:
    """The answer without content: acknowledgement, empty poll queue, or refusal."""

    ei_response: EiResponse
    ven_id: str | None = None
