"""A fault proxy between a client and a real server: every fault by name, scheduled by connection and message."""
