"""Looks at an installation from its configuration to each utility's answer, and says per line what to do."""
