"""The HTTP side towards sites: intents and plans out, answers and telemetry in."""
