"""The store in memory, by the name that the tests know it by."""

from conformance.simulation.memory import MemoryStore, MemoryWork
from conformance.simulation.state import State

__all__ = ["MemoryStore", "MemoryWork", "State"]
