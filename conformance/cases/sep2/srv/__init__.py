"""Cases that judge a 2030.5 server."""
