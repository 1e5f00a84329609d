"""Validation, estimation and editing of one meter's stream: profile V1, one rule per module."""
