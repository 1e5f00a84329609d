"""Test hierarchies of IEEE 2030.5: roots, makers, devices, aggregators, servers, and every bad variant of them."""
