"""Devices that are programs of their own, each in a process of its own: those of others, and our gateway."""
