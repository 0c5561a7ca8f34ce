"""`python3 -m tophalf`: the same as the command `tophalf`."""

import sys

from tophalf.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
