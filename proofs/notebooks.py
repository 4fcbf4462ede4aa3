"""Notebooks run without a browser, and whether every cell did what it says: `run`, `problems`, `strip`.

To Jupyter an error of Coq is no error: the kernel answers every cell, and says in the metadata of the answer whether Coq has
accepted it. So an executed notebook is looked through: every cell that is not empty must have been accepted, and the last may
leave no proof open. What a notebook imports is proved before; it stands in its metadata, as "compact_proofs": {"needs":
["MODEL/STRATEGY", ..]}.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compact_proofs.models.errors import InputRefused, NotProved, ToolMissing, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import load_config
from compact_proofs.proofs.coqrun import Say
from compact_proofs.proofs.pipeline import Options, prove
from compact_proofs.proofs.registry import strategy_for

ACCEPTED, ROLLED_BACK = "coq_kernel_evaluated", "coq_kernel_rolled_back"
PROOF_OPEN = "Proving:"
COQ = "coq"
KERNELS = (COQ, "python3")
PACKAGES = ("nbclient", "coq_jupyter")
SHOWN = 60  # characters of a cell's first line


@dataclass(frozen=True, slots=True)
class Done:
    """A notebook that was run: where the executed copy is, its wall-clock seconds, and what is wrong with it."""

    path: Path
    seconds: float
    problems: list[str]


def run(paths: Sequence[Path], options: Options, seconds: float, say: Say) -> list[Done]:
    """Prove what the notebooks import, run them, `options.jobs` at a time, and write them with their outputs to OUT/notebooks.

    Args:    seconds: limit of one notebook.
    Raises:  UsageError, InputRefused: no such notebook, or none at all. ToolMissing: a package, or Coq, is not there. What
             `pipeline.prove` raises: what a notebook imports is not proved.
    """
    _check_tools()
    books = {path: read(path) for path in paths}
    for model, strategy in sorted({need for path, book in books.items() for need in needs(path, book)}):
        say(f"prove {model}, {strategy}")
        prove(model, strategy_for(load_config(model).family, strategy), options)
    return asyncio.run(_execute_all(books, options, seconds, say))


def read(path: Path) -> Any:
    """Read a notebook. Raises: UsageError: no such file. InputRefused: not a notebook of format 4, or of another kernel."""
    import nbformat

    if not path.is_file():
        raise UsageError(f"no notebook: {path} does not exist")
    try:
        with warnings.catch_warnings(action="ignore"):  # of cells without an id
            book = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            nbformat.validate(book)
    except Exception as error:  # nbformat has no class of its own for all that may be wrong
        raise InputRefused(f"{path}: not a notebook ({type(error).__name__}: {error}); write it from Jupyter") from error
    kernel = book.metadata.get("kernelspec", {}).get("name")
    if kernel not in KERNELS:
        raise InputRefused(f"{path}: got the kernel {kernel!r}, wanted one of: {', '.join(KERNELS)}; choose it in Jupyter")
    return book


def needs(path: Path, book: Any) -> list[tuple[str, str]]:
    """Return the pairs of model and strategy that a notebook imports. Raises: InputRefused: not written as above."""
    ours = book.metadata.get("compact_proofs", {})
    wanted = ours.get("needs", []) if isinstance(ours, dict) else ours
    if not isinstance(wanted, list) or not all(isinstance(need, str) and need.count("/") == 1 for need in wanted):
        raise InputRefused(f'{path}: metadata compact_proofs.needs: got {wanted!r}, wanted ["MODEL/STRATEGY", ..]')
    return [(model, strategy) for model, strategy in (need.split("/") for need in wanted)]


def strip(book: Any) -> bytes:
    """Return the bytes of a notebook as it is kept: without outputs, counts and what Jupyter notes in passing."""
    import nbformat

    for cell in book.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    book.metadata = {key: book.metadata[key] for key in ("compact_proofs", "kernelspec") if key in book.metadata}
    return (nbformat.writes(book) + "\n").encode()


def problems(book: Any) -> list[str]:
    """Return what is wrong with an executed notebook, cell by cell; nothing where every cell did what it says."""
    cells = [(number, cell) for number, cell in enumerate(book.cells, 1) if cell.cell_type == "code" and cell.source.strip()]
    found: list[str] = []
    for number, cell in cells:
        where = f"cell {number} ({cell.source.strip().splitlines()[0][:SHOWN]})"
        found += [f"{where}: {output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]
        if book.metadata.kernelspec.name != COQ:
            continue
        answers = [output for output in cell.outputs if ACCEPTED in output.get("metadata", {})]
        if not answers:
            return [*found, f"{where}: the Coq kernel gave no answer (it waits 30 s) and ran no further"]
        for answer in answers:
            if answer.metadata[ACCEPTED] is not True or answer.metadata.get(ROLLED_BACK):
                found.append(f"{where}: Coq refused it: {_text(answer)}")
            elif number == cells[-1][0] and PROOF_OPEN in _text(answer):
                found.append(f"{where}: the last cell leaves a proof open: {_text(answer)}")
    return found


def all_notebooks(root: Path) -> list[Path]:
    """Return the notebooks beside the folder of the theory. Raises: UsageError: there are none."""
    if paths := sorted((root.parent / "notebooks").glob("*.ipynb")):
        return paths
    raise UsageError(f"no notebooks in {root.parent / 'notebooks'}: they come with the repository; name the files")


def check(done: Iterable[Done]) -> None:
    """Raises: NotProved: some notebook has problems; the message names each cell."""
    if found := [f"{one.path.name}, {problem}" for one in done for problem in one.problems]:
        raise NotProved("\n".join(found))


def _check_tools() -> None:
    """Have Jupyter know the kernel `coq` of this environment."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise ToolMissing(f"the Python package {package} is missing; pip install -c constraints.txt -e '.[notebook]'")
    if not any(map(shutil.which, ("coqidetop.opt", "coqidetop"))):
        raise ToolMissing("coqidetop is not on the PATH; it comes with Coq (Debian: coq; opam: coqide-server)")
    if not (Path(sys.prefix) / "share" / "jupyter" / "kernels" / "coq" / "kernel.json").is_file():
        command = [sys.executable, "-m", "coq_jupyter.install", "--sys-prefix"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise ToolMissing(f"Jupyter's kernel for Coq was not installed in {sys.prefix}:\n{made.stderr.strip()}")


async def _execute_all(books: dict[Path, Any], options: Options, seconds: float, say: Say) -> list[Done]:
    free = asyncio.Semaphore(options.jobs)

    async def one(path: Path, book: Any) -> Done:
        async with free:
            say(f"run {path.name}")
            return await _execute(path, book, options.out / "notebooks" / path.name, seconds)

    return list(await asyncio.gather(*(one(path, book) for path, book in books.items())))


async def _execute(path: Path, book: Any, target: Path, seconds: float) -> Done:
    import nbformat

    start = time.monotonic()
    died = ""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds) as limit:
            died = await _execute_cells(path, book)
    stopped = f"ran past its limit of {seconds:g} s and was stopped; raise --time-limit" if limit.expired() else died
    write_atomic(target, (nbformat.writes(book) + "\n").encode())
    return Done(target, time.monotonic() - start, [stopped] if stopped else problems(book))


async def _execute_cells(path: Path, book: Any) -> str:
    """Run the cells in a kernel of their own, in the folder of the notebook, to the end or the first error of Python.

    However this ends, the kernel ends too. Returns how the kernel has died, nothing where it has not.
    """
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    manager = AsyncKernelManager(kernel_name=book.metadata.kernelspec.name)
    client = NotebookClient(book, km=manager, timeout=None, record_timing=False)
    quiet = subprocess.DEVNULL  # or every kernel warns that its port is not encrypted
    await manager.start_kernel(cwd=str(path.resolve().parent), env=_environment(), stderr=quiet)
    where = "at its start"
    try:
        client.kc = manager.client()
        client.kc.start_channels()
        await client.kc.wait_for_ready(timeout=None)
        for index, cell in enumerate(book.cells):
            where = f"in cell {index + 1}"
            await client.async_execute_cell(cell, index)
    except CellExecutionError:
        pass  # it stands in the outputs
    except (DeadKernelError, RuntimeError):
        return f"the kernel died {where}"
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        await manager.shutdown_kernel(now=True)
    return ""


def _environment() -> dict[str, str]:
    """The environment without the settings of a user's Coq; figures go into the notebook."""
    return {name: value for name, value in os.environ.items() if name not in ("COQPATH", "COQLIB", "MPLBACKEND")}


def _text(output: Any) -> str:
    return str(output.get("data", {}).get("text/plain", "")).strip()
