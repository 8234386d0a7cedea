"""`python -m umtcli` is `umt`."""

from __future__ import annotations

import sys

from umtcli.cli import main

if __name__ == "__main__":
    sys.exit(main())
