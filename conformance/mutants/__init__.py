"""Wrong gateways: each breaks one promise in a few lines, and a check of ours must object every time.

They are made at the wiring, around the product or by subclassing it; the product has no switch for any of them.
"""
