"""Checks: pure functions from a transcript to findings."""
