"""Cases of OpenADR 2.0b."""
