"""What a conformance case may use: values, builders, the transcript, checks. Imports nothing of the gateway."""
