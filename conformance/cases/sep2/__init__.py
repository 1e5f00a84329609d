"""Cases of IEEE 2030.5 and its profiles."""
