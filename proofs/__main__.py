"""`python -m compact_proofs.proofs`: the command line."""

import sys

from compact_proofs.proofs.cli import main

sys.exit(main())
