"""A request to the operator's interface, read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.servers.sep2.utility import Sep2Utility


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, read."""

    utility: Sep2Utility
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    """Of the route's model."""
