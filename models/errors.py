"""Every error of compact-proofs, each with the exit code of the command line.

A message says what is wrong, where (tensor and index, file and line), what was got, what was wanted and what to do.
Exit codes: 1 not proved (no disproof) or stopped, 2 usage, 3 input refused, 4 tool missing, 5 time limit, 130 interrupted.
"""


class CompactProofsError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class NotProved(CompactProofsError):
    """The mirror or Coq did not accept; this is no disproof of the claim."""

    exit_code = 1


class UsageError(CompactProofsError):
    """Unknown model, strategy or option; the message lists the valid ones."""

    exit_code = 2


class InputRefused(CompactProofsError):
    """Input (weights, config, certificate, generated text) that is malformed or out of range."""

    exit_code = 3


class ConfigError(InputRefused):
    """A model configuration with a missing, unknown or impossible value."""


class OutsideTheory(InputRefused):
    """A network that the theory does not cover; the message says what would have to change."""


class ShapeError(InputRefused):
    """A tensor or list of the wrong shape."""


class WeightsError(InputRefused):
    """Weights that are missing, truncated or not finite."""


class OverflowRisk(InputRefused):
    """Integers whose products could leave 62 bits; the Coq checker refuses the same."""


class GrammarError(InputRefused):
    """Generated Coq text outside the whitelist grammar."""


class CertificateError(InputRefused):
    """A certificate of the wrong form."""


class ToolMissing(CompactProofsError):
    """Coq or another tool is absent or of a refused version; the message has the exact command to install it."""

    exit_code = 4


class Stopped(CompactProofsError):
    """A tool ended without a verdict: a signal, a full disk."""

    exit_code = 1


class TimeLimit(CompactProofsError):
    """A stage ran past its time or memory limit."""

    exit_code = 5
