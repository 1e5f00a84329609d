"""What the gateway may never forget: its tables, one module per group of the pipeline's ``Work``."""
