"""Forged evidence: what a dishonest or careless keeper could do to a bundle, in named classes."""
