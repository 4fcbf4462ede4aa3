"""Runs that are killed, at random moments and by several signals, and runs at the same time."""

import json
import random
import signal
import time

import pytest

from compact_proofs.proofs import built, coqrun, pipeline
from compact_proofs.proofs.registry import strategy_for
from compact_proofs.proofs.report import Report

pytestmark = pytest.mark.coq
MODEL = "max_of_2_tiny"
KILLS = 20


def forget(options, what: int):
    """Make the next run take another way: build the theory, search, both, or neither."""
    if what in (0, 2):
        (options.root / built.NAME).unlink(missing_ok=True)
    if what in (1, 2):
        (options.out / MODEL / "toy" / "certificate.json").unlink(missing_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_killed_at_random_moments(half, toy, options, start, nothing_runs, is_honest, recovers):
    """Each time in the folders that the killed runs before have left; after every second one the next run must succeed."""
    choose = random.Random(f"kills {half}")
    strategy = toy(60)
    whole = start(options, "prove")
    whole.wait_for("[1/")
    begin = time.monotonic()
    assert whole.end() == 0
    duration = time.monotonic() - begin
    stages = set()
    for index in range(half, KILLS, 2):
        number = {3: signal.SIGINT, 7: signal.SIGTERM}.get(index % 10, signal.SIGKILL)
        forget(options, index % 4)
        run = start(options, "prove")
        run.wait_for("[1/")
        time.sleep(duration * (index + choose.random()) / KILLS)
        run.kill(number, whole_group=number == signal.SIGKILL)
        code = run.end()
        nothing_runs(options.root)
        stages.add(run.lines[-1])
        if code != 0:  # it may have been done
            assert code == (-signal.SIGKILL if number == signal.SIGKILL else 130)
            assert "Traceback" not in run.message()
            assert number == signal.SIGKILL or "interrupted; nothing unfinished is left to look finished" in run.message()
            is_honest(options, strategy)
        if index // 2 % 2:
            recovers(options, strategy, 60, coqchk=index > 16)
    assert len(stages) >= 2


def test_killed_while_it_makes_the_real_theorem(real_options, start, nothing_runs):
    strategy = strategy_for("max_of_k", "cubic")
    place = pipeline.Place(real_options.root, real_options.out, MODEL, strategy.name)
    run = start(real_options, "prove", strategy="cubic")
    run.wait_for("[6/")
    time.sleep(0.5)  # coqc has begun
    run.kill(signal.SIGKILL, whole_group=True)
    assert run.end() == -signal.SIGKILL
    nothing_runs(real_options.root)
    assert not place.report.exists()
    report = pipeline.prove(MODEL, strategy, real_options)
    assert 0 < report.proved_correct <= report.true_correct
    assert Report.load(place.report) == report


def test_only_the_driver_killed(options, start, running, nothing_runs):
    """What it has started ends with it, make and the compilers under make too, and nobody gets its lock before that."""
    text = "Fixpoint f (n : nat) : nat := match n with 0 => 1 | S k => f k + f k end.\nDefinition x := Eval vm_compute in f 60.\n"
    (options.root / "theories" / "Slow.v").write_text(text)
    run = start(options, "prove")
    while not any("coqc" in "".join(one.split()[:1]) for one in running(options.root)):
        assert run.process.poll() is None, run.lines
        time.sleep(0.02)
    run.kill(signal.SIGKILL, whole_group=False)
    assert run.end() == -signal.SIGKILL
    with coqrun.locked(options.root / ".lock", print):
        nothing_runs(options.root)


def test_two_runs_at_once(options, start):
    """The second waits for the first, which builds the theory and searches; both succeed and say the same."""
    forget(options, 2)
    both = [start(options, "prove", "--json") for _ in range(2)]
    reports = []
    for one in both:
        out = one.process.stdout.read()
        assert one.end() == 0, one.lines
        reports.append(json.loads(out))
    assert sum("another run holds" in one.message() for one in both) >= 1
    measured = ("seconds", "peak_rss_mb", "search_reused")
    same = [{key: value for key, value in one.items() if key not in measured} for one in reports]
    assert same[0] == same[1]
    left = Report.load(pipeline.Place(options.root, options.out, MODEL, "toy").report)
    assert json.loads(left.to_json()) in reports
