"""Writes the classes and tables of IEEE 2030.5 from the project's own type tables (``make sep2-model``)."""
