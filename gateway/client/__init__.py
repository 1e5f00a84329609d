"""The library for scheduler developers: a site's plans and intents in, answers and telemetry out."""
