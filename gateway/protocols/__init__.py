"""Pure wire code of each standard: bytes in, typed values out, and back."""
