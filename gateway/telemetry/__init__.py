"""Telemetry: batches become readings, readings become a validated series; pure values in and out."""
