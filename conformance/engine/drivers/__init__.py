"""How the device is made to do what no message can: one module per kind of driver."""
