"""One short day with everything in it that the main job does; every crash run plays it, each from another seat."""
