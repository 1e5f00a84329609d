"""Benches: figures that anyone can print, beside the machine they were measured on."""
