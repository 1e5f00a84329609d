"""Which clause of a standard stands in which file and is pinned by which test, as the project's own text tells."""
