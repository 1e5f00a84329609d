"""What a poll costs a VTN in processor time: over plain HTTP, over mutual TLS, and with RSA signatures on top."""
