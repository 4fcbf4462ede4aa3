"""Names of models: what may stand in a file name and in Coq. Standard library only."""

import re

COQ_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
