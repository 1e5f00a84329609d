"""The client of a 2030.5 server: what it reads, what it does about it, what it tells."""
