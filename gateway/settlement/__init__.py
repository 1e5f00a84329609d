"""Settlement: performance and money from metered energy, and evidence that anyone can check offline.

The package is pure. Validation and baselines live beside it and come in as ``Methods``, so that the gateway and the
offline verifier provably run the same code on the same records.
"""
