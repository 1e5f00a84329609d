"""The vocabulary: frozen values that every other package shares; no IO, no clock."""
