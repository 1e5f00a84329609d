"""Utilities to play against: the servers of ``gateway.servers`` behind a programmable face."""
