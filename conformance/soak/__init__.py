"""The endurance run: every way in which the main job is attacked, one row each, in one table."""
