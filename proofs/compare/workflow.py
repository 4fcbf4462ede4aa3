"""Having Snakemake run what a plan still lacks: `run`. It schedules; we watch the results come in and say how far it is.

Snakemake works in OUT/compare, where its .snakemake lies, and writes to NAME/logs/snakemake.log. One comparison at a time: there
is a lock, held by all that is started until it is dead.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from compact_proofs.models.errors import ToolMissing, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.compare.plan import Plan
from compact_proofs.proofs.registry import Progress

SNAKEFILE = Path(__file__).with_name("Snakefile")
POLL_S = 0.2
GRACE_S = 30.0  # for jobs to end after an interruption
LOCAL = ("local", "dryrun", "touch")


@dataclass(frozen=True, slots=True)
class Engine:
    """How Snakemake runs the jobs. cores: jobs at a time; profile: folder of a Snakemake profile; executor: such as slurm, whose
    plugin is a package of its own; None: here."""

    cores: int = 1
    profile: str | None = None
    executor: str | None = None

    def check(self) -> None:
        """Raises: ToolMissing: Snakemake or the executor is not there. UsageError: no such profile."""
        if importlib.util.find_spec("snakemake") is None:
            raise ToolMissing("compare needs snakemake: pip install -c constraints.txt -e '.[sweep]'; make compare installs it")
        if self.executor not in (None, *LOCAL):
            plugin = f"snakemake-executor-plugin-{self.executor}"
            if importlib.util.find_spec(plugin.replace("-", "_")) is None:
                raise ToolMissing(f"executor {self.executor!r}: its plugin is not installed; pip install {plugin}")
        if self.profile is not None and not any(Path(self.profile).glob("config*.yaml")):
            raise UsageError(f"profile {self.profile}: wanted a folder with the config.yaml of a Snakemake profile")

    def options(self) -> list[str]:
        """Return the options of Snakemake."""
        chosen = ["--profile", str(Path(self.profile).resolve())] if self.profile else ["--workflow-profile", "none"]
        chosen += ["--executor", self.executor] if self.executor else []
        return [*chosen, "--cores", str(self.cores), "--jobs", str(self.cores)]  # the second where the profile has an executor


@contextlib.contextmanager
def locked(plan: Plan, say: coqrun.Say) -> Iterator[None]:
    """Hold the lock of all comparisons in OUT."""
    with coqrun.locked(plan.compare / ".lock", say):
        yield


def sync_stamps(plan: Plan) -> None:
    """Make the stamps say what the results say: a result that was lost, or ran out of less time than now, is wanted again."""
    for network in plan.networks:
        found = not plan.open_searches(network) and not plan.open_truths(network)
        _stamp(plan.compare / plan.stamp(network, "searched"), found)
        if network.proved:
            _stamp(plan.compare / plan.stamp(network, "proved"), found and not plan.open_proofs(network))
    for training in plan.trainings:
        _stamp(plan.compare / plan.training_stamp(training), False)


def _stamp(path: Path, done: bool) -> None:
    if done and not path.is_file():
        write_atomic(path, b"")
    elif not done:
        path.unlink(missing_ok=True)


def run(plan: Plan, target: str, engine: Engine, watch: Callable[[], tuple[str, int, int]], progress: Progress) -> bool:
    """Run the workflow up to a target; return whether all jobs went well.

    Args:    watch: says how far it has come; progress: is told.
    Raises:  KeyboardInterrupt: after Snakemake and its jobs have ended.
    """
    log = plan.snakemake_log
    for old in log.parent.glob("*.log"):
        old.unlink()
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"XDG_CACHE_HOME": str(plan.compare.resolve() / ".snakemake" / "cache")}  # not in the home
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(plan.compare), "--config",
        f"plan={plan.name}/plan.json", "--nolock", "--keep-going", "--rerun-incomplete",
        "--rerun-triggers", "mtime", "--scheduler", "greedy", "--nocolor", *engine.options(), target,
    ]  # fmt: skip
    with log.open("wb") as output, coqrun.process_group() as group:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=group, env=environment
        )
        try:
            shown = None
            while process.poll() is None:
                if (now := watch()) != shown:
                    progress(*now)
                    shown = now
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(POLL_S)
        except BaseException:
            _end(process, group)
            raise
    progress(*watch())
    return process.returncode == 0


def _end(process: subprocess.Popen[bytes], group: int) -> None:
    """Interrupt Snakemake and its jobs as Ctrl-C does; what does not end is killed with the group."""
    with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
        os.killpg(group, signal.SIGINT)
        process.wait(GRACE_S)
    if process.poll() is None:
        process.kill()
        process.wait()
