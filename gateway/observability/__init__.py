"""What the gateway says of itself: logs and metrics; values come in, nothing is decided here."""
