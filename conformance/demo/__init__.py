"""The demonstrations: a utility, a gateway and a simulated site, shown at work."""
