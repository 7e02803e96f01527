"""``python -m edgekit``: the same as the command ``edgekit``."""

from edgekit.cli import main

if __name__ == "__main__":  # worker processes import this file under another name
    raise SystemExit(main())
