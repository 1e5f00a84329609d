"""The server roles of the protocols, as aiohttp apps over ports, with tables of their own."""
