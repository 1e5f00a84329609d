"""Baselines: what a site would have used without the event; one folder per method, pure values in and out."""
