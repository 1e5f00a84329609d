"""Reference counterparts to code against: today the gateway, as a scheduler developer meets it."""
