"""XML signatures with ReplayProtect: what OpenADR 2.0b calls high security (section 10.6, rule 514)."""
