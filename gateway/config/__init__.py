"""The operator's file: one TOML document, every fault found at once."""
