"""``python -m gateway``: the same as ``gridgate``."""

from gateway.cli.main import main

if __name__ == "__main__":
    main()
