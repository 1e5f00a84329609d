"""One virtual day of one gateway, with everything that can go wrong drawn from a seed."""
