"""Checks of 2030.5 cases, by area."""
