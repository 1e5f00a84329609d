"""Plays the utility and the site, and shows what a client does."""
