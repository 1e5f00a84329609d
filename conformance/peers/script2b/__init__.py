"""Scripted OpenADR 2.0b peers of the suite's own; whatever is wrong can be sent too."""
