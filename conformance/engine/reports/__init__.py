"""Reports of a run: JSON, JUnit and one HTML page."""
