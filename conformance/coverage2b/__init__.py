"""Which clause of OpenADR 2.0b stands in which file and is pinned by which test, as the project's own text tells."""
