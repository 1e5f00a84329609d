"""The content models of OpenADR 2.0b as tables: which element stands where, how often, and which field it fills."""
