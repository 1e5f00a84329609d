"""The reference server of 2030.5, CSIP and CSIP-AUS: small, right, and independent of the gateway's own server."""
