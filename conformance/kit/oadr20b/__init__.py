"""Vocabulary of OpenADR 2.0b for cases: names, values, messages, conditions."""
