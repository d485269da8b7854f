"""`python -m trio_balancer` is the command `trio-balancer`."""

import sys

from trio_balancer.cli import main

if __name__ == "__main__":
    sys.exit(main())
