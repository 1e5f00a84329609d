"""Drives the sessions with utilities: all IO of one session in one loop."""
