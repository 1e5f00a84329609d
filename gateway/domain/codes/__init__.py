"""Stable error codes: reason word -> ``GG-nnnn``, what it means, whose move it is, why it happens, and the fix.

One module per area; ``registry`` composes them. GG-1 operator, GG-2 utility, GG-3 settlement and evidence, GG-4 and
GG-5 answers to sites, GG-6 store, GG-7 operator's door, GG-8 test PKI and suite, GG-9 our own faults.
"""
