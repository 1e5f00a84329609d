"""The server of IEEE 2030.5 over HTTP: mutual TLS, a store, an operator's interface."""
