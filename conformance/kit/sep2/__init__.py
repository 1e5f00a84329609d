"""Of IEEE 2030.5: what a script tells the suite's server, and what a check reads of a client's messages."""
