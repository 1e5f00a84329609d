"""The simulated data-center site: a separate program that knows the gateway's public API and nothing else."""
