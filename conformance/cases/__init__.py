"""The cases, one module per test area; they import the kit alone."""
