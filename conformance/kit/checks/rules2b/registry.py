"""Every general rule by its number: those of every device, and those of one role."""

from typing import Final

from conformance.kit.checks.rules2b import (
    envelope,
    metadata,
    registration,
    requests,
    updates,
    ven_answers,
    ven_identity,
    ven_opts,
    vtn_events,
    vtn_identity,
    vtn_listings,
)
from conformance.kit.finding import Check

RULES: Final = (
    Check("RULE-2B-001", envelope.rule_001),
    Check("RULE-2B-002", envelope.rule_002),
    Check("RULE-2B-003", envelope.rule_003),
    Check("RULE-2B-004", envelope.rule_004),
    Check("RULE-2B-024", registration.rule_024),
    Check("RULE-2B-025", registration.rule_025),
    Check("RULE-2B-026", registration.rule_026),
    Check("RULE-2B-027", metadata.rule_027),
    Check("RULE-2B-028", metadata.rule_028),
    Check("RULE-2B-029", metadata.rule_029),
    Check("RULE-2B-030", metadata.rule_030),
    Check("RULE-2B-031", metadata.rule_031),
    Check("RULE-2B-032", metadata.rule_032),
    Check("RULE-2B-033", requests.rule_033),
    Check("RULE-2B-034", requests.rule_034),
    Check("RULE-2B-035", requests.rule_035),
    Check("RULE-2B-036", requests.rule_036),
    Check("RULE-2B-037", requests.rule_037),
    Check("RULE-2B-038", updates.rule_038),
    Check("RULE-2B-039", updates.rule_039),
    Check("RULE-2B-040", updates.rule_040),
    Check("RULE-2B-041", requests.rule_041),
)
"""Of both roles."""
VEN: Final = (
    *ven_identity.RULES,
    *ven_answers.RULES,
    *ven_opts.RULES,
)
VTN: Final = (
    *vtn_identity.RULES,
    *vtn_events.RULES,
    *vtn_listings.RULES,
)
BY_ROLE: Final = {"VEN": (*RULES, *VEN), "VTN": (*RULES, *VTN)}
