"""An OpenADR 2.0b VTN in pull mode over simple HTTP: a counterparty for tests and rehearsals, not a product VTN."""
