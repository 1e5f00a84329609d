"""OpenADR 2.0b (B profile): messages, codec and sessions of both roles."""
