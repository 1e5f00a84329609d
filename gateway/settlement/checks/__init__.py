"""The checks of the offline verifier, one question each; every check yields findings and trusts no other check."""
