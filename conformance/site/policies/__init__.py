"""The policies by name; a new one is a module and a line here."""

from typing import Final

from conformance.site.policies import dvfs_greedy, pause_greedy
from conformance.site.policies.policy import Policy

POLICIES: Final[dict[str, Policy]] = {
    policy.name: policy for policy in (dvfs_greedy.POLICY, pause_greedy.POLICY)
}
