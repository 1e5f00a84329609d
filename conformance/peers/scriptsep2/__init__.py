"""The suite's 2030.5 server, scripted."""
