"""Cases that judge a VEN."""
