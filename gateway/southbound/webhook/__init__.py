"""Webhooks: a site's stream, pushed to its own HTTP endpoints, one courier each."""
