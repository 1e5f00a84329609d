"""Test public-key infrastructure for every profile that the gateway speaks."""
