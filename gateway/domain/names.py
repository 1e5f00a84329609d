"""Identifiers as types, so that one kind is never passed for another."""

from typing import NewType

EventId = NewType("EventId", str)
"""The utility's own event id, verbatim, case-sensitive."""
SiteId = NewType("SiteId", str)
"""A site as named in the configuration."""
MeterId = NewType("MeterId", str)
"""A meter point within a site, e.g. ``poc`` or ``it_load``."""
UtilityName = NewType("UtilityName", str)
"""A utility as named in the configuration."""
IntentId = NewType("IntentId", str)
"""Derived UUID of one (utility event, site)."""
