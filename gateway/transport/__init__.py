"""How bytes travel: TLS contexts, HTTP clients and servers, limits, and who may be trusted at all."""
