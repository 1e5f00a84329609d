"""Cases that judge a VTN."""
