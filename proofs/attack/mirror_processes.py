"""Forked processes, each with one changed module: `import_changed` in them, `run` many of them."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from types import CodeType, ModuleType
from typing import Any

from compact_proofs.proofs.attack.mirror_operators import PACKAGE
from compact_proofs.proofs.attack.mutant_results import Mutant, Result, Results

MEMORY = 4 * 2**30
Task = tuple[Mutant, Callable[[], Result], int]  # what to do, and in how many CPU seconds


class Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from a text of ours."""

    def __init__(self, module: str, text: str, path: str) -> None:
        self.module, self.text, self.path = module, text, path

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        """Say that this module is ours, and no other."""
        if name != self.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.path)

    def get_source(self, name: str) -> str:
        """Return the changed text."""
        return self.text

    def get_code(self, name: str) -> CodeType:
        """Compile the changed text."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


def forget() -> None:
    """Forget all modules of this package, so that they are imported anew."""
    for name in [one for one in sys.modules if one.startswith(PACKAGE)]:
        del sys.modules[name]


def import_changed(module: str, mutant: Mutant, text: str) -> Result | None:
    """Have a module imported from its changed text from now on, all others anew; or say that it cannot be."""
    forget()
    changed = mutant.applied(text)
    try:
        compile(changed, mutant.file, "exec")
    except SyntaxError as error:
        return Result("stillborn", "", str(error))
    sys.meta_path.insert(0, Changed(module, changed, mutant.file))
    return None


def fork(work: Callable[[], Result], seconds: int) -> tuple[int, int]:
    """Start a process with a limit of CPU seconds; return its id and the end of a pipe from which its result is read.

    Nothing is written where it is ended by a signal, and the exception where there is one.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    status = 1
    try:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with open(os.devnull, "w") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        try:
            result = work()
            said = [result.verdict, result.where, result.why[:2000], result.rests_on]
        except Exception:
            said = [traceback.format_exc()[-2000:]]
        os.write(write, json.dumps(said).encode())
        status = 0
    finally:
        os._exit(status)
    raise AssertionError("not reached")


def run(tasks: Iterable[Task], results: Results, stage: str, jobs: int) -> None:
    """Do all tasks of a stage, so many at a time. Raises: AssertionError: one ended with an exception."""
    todo = list(tasks)
    running: dict[int, tuple[Mutant, int, float]] = {}
    done, start, tally = 0, time.monotonic(), Counter[str]()
    gc.freeze()
    try:
        while todo or running:
            while todo and len(running) < jobs:
                mutant, work, seconds = todo.pop(0)
                pid, pipe = fork(work, seconds)
                running[pid] = (mutant, pipe, time.monotonic())
            for pid in list(running):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if not ended:
                    continue
                mutant, pipe, began = running.pop(pid)
                with os.fdopen(pipe, "rb") as stream:
                    said = json.loads(stream.read() or "[]")
                assert len(said) == 4 or (not said and os.WIFSIGNALED(status)), f"{mutant}: {said}"
                result = Result(*said) if said else Result("test", "", "does not finish")
                results.add(stage, mutant, result, time.monotonic() - began)
                done, tally = done + 1, tally + Counter([result.verdict])
                if done % 50 == 0:
                    total = done + len(todo) + len(running)
                    print(f"[{done}/{total}] {stage}: {dict(tally)}; {time.monotonic() - start:.0f} s", file=sys.stderr)
            time.sleep(0.005)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
