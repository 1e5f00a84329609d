"""Thin: parse arguments, call the verb, turn its result into an exit code."""
