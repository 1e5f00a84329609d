"""The operator's side of a played OpenADR 2.0b utility: a JSON interface on loopback, with a token."""
