"""The utility's side of IEEE 2030.5 without sockets or files: a book of resources, doors for clients and operator."""
