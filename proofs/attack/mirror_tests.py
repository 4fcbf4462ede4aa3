"""The tests of mirrors, for mutants that recorded cases have not killed: `own_tests`, `other_tests`, `first_failure`."""

from __future__ import annotations

from pathlib import Path

import pytest

from compact_proofs.proofs.attack.mutant_results import Result

ALL_STRATEGIES = ("unit/test_staged.py", "unit/test_counting.py", "unit/test_tables.py")  # of the max-of-K strategies by stages
OTHERS = {
    "extract/modular_form.py": ("unit/test_modular_fold.py", "unit/test_modular_brute_force.py"),
    "proofs/strategies/exact.py": ("property/test_exact.py",),
    "proofs/strategies/brute_force.py": ("property/test_exact.py",),
    "proofs/strategies/modular/second_moment.py": ("unit/test_exact_sums.py",),
    "proofs/strategies/modular/terms.py": ("unit/test_modular_homogeneity.py", "unit/test_modular_low_rank_unembedding.py"),
}  # by the file of a mirror: tests that are not named as it is


def own_tests(tests: Path, mirror: str) -> list[Path]:
    """Return the files with tests of a mirror by its name; like all these, they need no Coq."""
    path = Path(mirror)
    stem = f"modular_{path.stem}" if path.parent.name == "modular" else path.stem
    names = (f"unit/test_{stem}_definition.py", f"unit/test_{stem}.py")
    return [tests / name for name in names if (tests / name).is_file()]


def other_tests(tests: Path, mirror: str) -> list[Path]:
    """Return the files with other tests in which a change of a mirror can show."""
    names = OTHERS.get(mirror, ALL_STRATEGIES if Path(mirror).parent.name == "strategies" else ())
    own = own_tests(tests, mirror)
    return [tests / name for name in names if (tests / name).is_file() and tests / name not in own]


class _First:
    """The first failure of a run of pytest."""

    def __init__(self) -> None:
        self.name, self.why = "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.name:
            self._keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.name:
            self._keep(report)

    def _keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        lines = report.longreprtext.splitlines()
        self.name, self.why = report.nodeid, next((line for line in lines if line.startswith("E ")), "")[:200]


def first_failure(files: list[Path]) -> Result:
    """Run tests in this process, with the modules as they are imported here."""
    found = _First()
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain"]  # as imports are not those of pytest
    code = pytest.main([*quiet, *map(str, files)], plugins=[found])
    if code == pytest.ExitCode.OK:
        return Result("survived", "", "")
    return Result("test", found.name or f"pytest {code}", found.why)
