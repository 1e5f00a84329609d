"""Grid events become one intent per site; overlapping intents become one effective plan per site."""
