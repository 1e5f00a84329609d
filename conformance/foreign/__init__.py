"""Devices and programs of others, judged by the suite; each runs in a process of its own."""
