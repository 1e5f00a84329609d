"""The Python client for sites: plans and intents in, answers and telemetry out.

async with Site("https://gw.example:8443/v1", site="phx-1", token_file="token") as site:
    async for plan in site.plans():
        ...
"""

from gateway.client.intents import Intent, Intents
from gateway.client.notice import Notice
from gateway.client.plans import Answered, Plan, Plans
from gateway.client.problem import Problem, Refused
from gateway.client.site import Site, SiteOptions
from gateway.client.webhook import Delivered, SeenIds, verify_webhook

__all__ = [
    "Answered",
    "Delivered",
    "Intent",
    "Intents",
    "Notice",
    "Plan",
    "Plans",
    "Problem",
    "Refused",
    "SeenIds",
    "Site",
    "SiteOptions",
    "verify_webhook",
]
