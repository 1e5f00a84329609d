"""General rules of OpenADR 2.0b (RULE-2B-001 to 046): judged on every message of the device, in every case."""
