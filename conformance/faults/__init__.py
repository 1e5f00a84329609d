"""Faults to order: of the network (a proxy, by name and schedule), of the store, and of the disk under it."""
