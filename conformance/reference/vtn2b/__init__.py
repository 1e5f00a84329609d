"""A reference VTN for OpenADR 2.0b, pull and push: small, plain, and independent of the gateway's own protocol core."""
