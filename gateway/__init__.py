"""The gateway between utilities' signalling and the schedulers of AI data centers."""
