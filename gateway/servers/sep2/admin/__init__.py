"""The operator's interface of the 2030.5 server: JSON on loopback, a token on every operation."""
