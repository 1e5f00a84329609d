"""The reference client of IEEE 2030.5: right, small, readable; what wrong devices are made of."""
