"""Intake: bytes in, durable, an intent at a subscriber; beside a floor of the same TLS, payload and disk."""
