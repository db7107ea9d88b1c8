"""`python -m poolcheck`."""

import sys

from poolcheck.cli import main

if __name__ == "__main__":
    sys.exit(main())
