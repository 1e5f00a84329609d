"""One short day with everything in it that the main job does, and a shorter one in real time; crash runs play them."""
