"""Every general rule by its number."""

from typing import Final

from conformance.kit.checks.rules2b import envelope
from conformance.kit.finding import Check

RULES: Final = (
    Check("RULE-2B-001", envelope.rule_001),
    Check("RULE-2B-002", envelope.rule_002),
    Check("RULE-2B-003", envelope.rule_003),
    Check("RULE-2B-004", envelope.rule_004),
)
