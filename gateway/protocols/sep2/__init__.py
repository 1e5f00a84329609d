"""IEEE 2030.5 in its editions of 2018 and 2023, with CSIP and CSIP-AUS."""
