"""The command `compact-proofs`: list, train, purify, extract, prove, check, export, audit, reread, report, theory, bench,
figure, frontier, doctor.

Results go to stdout, progress to stderr. Exit codes: 0 proved, 1 not proved (which disproves nothing), 2 usage, 3 input
refused, 4 tool missing, 5 time or memory limit, 130 interrupted. What only some commands need is imported there.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from compact_proofs.extract.families import AnyConfig, default_bits
from compact_proofs.models.errors import CompactProofsError, TimeLimit, UsageError
from compact_proofs.models.modular.config import COEFFICIENTS, SIZES
from compact_proofs.models.modular.purify import purify_command
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_config, load_model, model_names, model_of_size, model_path, zoo_names
from compact_proofs.proofs import coqrun, doctor, pipeline
from compact_proofs.proofs.assumptions import accept_golden, check_golden, soundness_assumptions
from compact_proofs.proofs.registry import GROUPS, Strategy, Tuning, strategies, strategy_for
from compact_proofs.proofs.report import Report, show

INTERRUPTED = 130
RECIPES = tuple(family for family in SIZES if family != "modular_folded")  # families that are trained
REPORT_EVERY_S = 5.0
BITS_HELP = "4 to 12, the sign included (default 8, modular_pizza 6)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error raised on purpose becomes one message on stderr."""
    options = _parser().parse_args(arguments)
    previous = signal.signal(signal.SIGTERM, _interrupt)  # `kill` cleans up as Ctrl-C does
    try:
        code = options.run(options)
        sys.stdout.flush()  # here a full disk is still an error with a message
        return code
    except CompactProofsError as error:
        print(f"compact-proofs {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("compact_proofs"):
            raise  # a fault of ours
        print(
            f"compact-proofs {options.command}: the Python package {error.name} is missing; "
            "pip install -c constraints.txt -e '.[train,dev]'",
            file=sys.stderr,
        )
        return 4
    except KeyboardInterrupt:
        print(f"compact-proofs {options.command}: interrupted; nothing unfinished is left to look finished", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        print(f"compact-proofs {options.command}: {os_error_in_words(error)}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:  # it was the output that failed; what is left of it would fail again at the exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        print(f"compact-proofs {options.command}: out of memory; close other programs, or take a smaller model", file=sys.stderr)
        return TimeLimit.exit_code
    finally:
        signal.signal(signal.SIGTERM, previous)


class Progress:
    """Shows how far a search is on stderr: in place on a terminal, elsewhere a line every few seconds."""

    def __init__(self) -> None:
        self.next_line = time.monotonic() + REPORT_EVERY_S
        self.open_line = False

    def __call__(self, message: str, done: int, total: int) -> None:
        """Show "      message: done of total"."""
        line = f"      {message}: {done:,} of {total:,}"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self.open_line = True
        elif time.monotonic() >= self.next_line:
            print(line, file=sys.stderr, flush=True)
            self.next_line = time.monotonic() + REPORT_EVERY_S

    def say(self, line: str) -> None:
        """Show a line of its own."""
        print(("\r\x1b[K" if self.open_line else "") + line, file=sys.stderr, flush=True)
        self.open_line = False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compact-proofs", description="Prove in Coq how accurate small trained networks are.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], what: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    listing = command("list", _list, "list the models and the strategies")
    listing.add_argument("--json", action="store_true", help="for machines")

    train = command("train", _train, "train a model, many seeds at once; needs torch")
    train.add_argument("model", metavar="NAME")
    train.add_argument("--seed", type=_seeds, default=[0], metavar="SEEDS", help="such as 7, 1,2,5 or 0-15 (default 0)")
    families = ("max_of_k", *RECIPES)
    train.add_argument("--family", choices=families, default="max_of_k", help="default max_of_k")
    sizes = {
        "n-ctx": "max_of_k: default 4", "d-vocab": "max_of_k: default 64", "d-head": "max_of_k: default d-model",
        "modulus": "modular: an odd number, default 59", "d-mlp": "modular: hidden width, default by family",
        "d-model": "default 32, modular 64", "steps": "default 3000, modular by family",
    }  # fmt: skip
    for name, text in sizes.items():
        train.add_argument(f"--{name}", type=_positive, metavar="N", help=text)
    train.add_argument("--operation", choices=tuple(COEFFICIENTS), default="addition", help="modular: default addition")
    train.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    train.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="models go to DIR/models")

    purify = command("purify", _purify, "make a new model of which each neuron is a cosine of one frequency")
    purify.add_argument("model", metavar="MODEL", help="a network for modular arithmetic with ReLU")
    purify.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="models go to DIR/models")

    extract = command("extract", _extract, "write the quantised network: integers, Coq data and SMT-LIB 2")
    _model_options(extract, strategy=False)
    extract.add_argument("--weight-bits", type=_positive, metavar="N", help=BITS_HELP)

    prove = command("prove", _prove, "prove a bound on a model's accuracy and have Coq check it")
    _model_options(prove, by_size=True)
    _coq_options(prove)
    prove.add_argument("--weight-bits", type=_positive, metavar="N", help=BITS_HELP)
    prove.add_argument("--resolution", type=_positive, metavar="N", help="units of cost that are told apart; more is tighter")
    prove.add_argument("--bands", type=_exponents, metavar="K,K,..", help="tokens below the largest: bands of 2^K, as 0,0,1,2")
    prove.add_argument("--rank", type=_natural, metavar="N", help="of the products of low rank; more is tighter")
    prove.add_argument("--near", type=_natural, metavar="N", help="outputs up to N (0 to 16) from the answer are taken singly")
    prove.add_argument("--budget", type=_operations, metavar="N", help="the tightest proof of at most N operations, such as 2e7")
    prove.add_argument("--json", action="store_true", help="print report.json instead of the summary")

    check = command("check", _check, "have Coq check what prove has left once more")
    _model_options(check, by_size=True)
    _coq_options(check)
    check.add_argument("--rebuild-theory", action="store_true", help="compile the theory from its .v files too")

    export = command("export", _export, "write accepted proofs as folders that a stranger can check: `make check PROOF=FOLDER`")
    _model_options(export, optional=True)
    _coq_options(export)
    export.add_argument("--folder", type=Path, metavar="DIR", help="where to write MODEL/STRATEGY (default OUT/proofs)")

    audit = command("audit", _audit, "rebuild everything behind one proof and print what it says and rests on")
    _model_options(audit)
    _coq_options(audit)

    report = command("report", _report, "show the report of a finished proof")
    _model_options(report)
    report.add_argument("--json", action="store_true", help="print report.json")

    theory = command("theory", _theory, "build the Coq theory; check what its soundness theorems rest on")
    _coq_options(theory)
    theory.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="for a copy of an installed theory")
    theory.add_argument("--rebuild-theory", action="store_true", help="compile every file again")
    theory.add_argument("--assumptions", action="store_true", help="compare with proofs/golden_assumptions.txt")
    theory.add_argument("--accept-assumptions", action="store_true", help="write proofs/golden_assumptions.txt")
    theory.add_argument("--coqchk", action="store_true", help="run Coq's independent checker on every module")
    theory.add_argument("--full", action="store_true", help="coqchk: imports too, and without the VM; takes long")

    reread = command("reread", _reread, "re-read every generated Coq file by the whitelist grammar")
    reread.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="folder of results (default build)")

    frontier = command("frontier", _frontier, "measure all strategies over many seeds: table, rows and picture in docs/")
    frontier.add_argument("--jobs", type=_positive, default=1, metavar="N", help="files compiled at a time (default 1)")
    frontier.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="folder of results (default build)")
    frontier.add_argument("--task", choices=GROUPS, default="max_of_k", help="default max_of_k")
    frontier.add_argument("--seeds", type=_positive, default=16, metavar="N", help="max_of_k: networks of each size (default 16)")
    frontier.add_argument("--proved", type=_natural, default=3, metavar="N", help="max_of_k: of these, proved in Coq (default 3)")

    bench = command("bench", _bench, "measure the shipped models")
    bench.add_argument("--jobs", type=_positive, default=1, metavar="N")
    bench.add_argument("--out", type=Path, default=Path("build"), metavar="DIR")

    figure = command("figure", _figure, "draw the cubic proof of a model: cost against bound, and where the unproved inputs lie")
    _model_options(figure, strategy=False)
    figure.add_argument("--folder", type=Path, metavar="DIR", help="where to write (default OUT/MODEL/figures)")

    command("doctor", _doctor, "say which tools are found, which are wanted and how to install them")
    return parser


def _model_options(
    parser: argparse.ArgumentParser, strategy: bool = True, by_size: bool = False, optional: bool = False
) -> None:
    help_text = "a name from `compact-proofs list`, or the path of a model's .json" + "; default: every shipped one" * optional
    parser.add_argument("model", metavar="MODEL", nargs="?" if by_size or optional else None, help=help_text)
    if by_size:
        parser.add_argument("--n-ctx", type=_positive, metavar="K", help="in place of MODEL: the model of this size")
        parser.add_argument("--d-vocab", type=_positive, metavar="N", help="with --n-ctx (default 64)")
        parser.add_argument("--seed", type=_natural, metavar="N", help="with --n-ctx (default: any)")
    parser.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="folder of results (default build)")
    if strategy:
        parser.add_argument("--strategy", metavar="NAME", help="default: the best of `compact-proofs list`")


def _coq_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=_positive, default=1, metavar="N", help="files compiled at a time (default 1)")
    parser.add_argument("--time-limit", type=_positive, default=600, metavar="SECONDS", help="per run of Coq (default 600)")
    parser.add_argument("--memory-limit", type=_positive, default=8192, metavar="MB", help="per run of Coq (default 8192)")


def _list(options: argparse.Namespace) -> int:
    configs = [load_model(name)[0] for name in model_names()]
    if options.json:
        models = {config.name: {"family": config.family} | _sizes(config) for config in configs}
        known = {group: {one.name: one.summary for one in strategies(group).values()} for group in GROUPS}
        value = {"models": models, "strategies": known}
        print(json.dumps(value, indent=2))
        return 0
    print("models:")
    for config in configs:
        sizes_text = " ".join(f"{'K' if name == 'n_ctx' else name}={size}" for name, size in _sizes(config).items())
        print(f"  {config.name:26}  {config.family}: {sizes_text}, {n_inputs(config):,} inputs")
    for group in GROUPS:
        print(f"strategies for {group}, best first:")
        for one in strategies(group).values():
            families = "" if one.families is None else f" ({', '.join(one.families)})"
            print(f"  {one.name:22}  {one.summary}{families}")
    return 0


def _sizes(config: AnyConfig) -> dict[str, object]:
    first = ["n_ctx", "d_vocab"] if config.family == "max_of_k" else ["modulus", "operation"]
    names = [*first, "d_model", "d_head", "d_attn", "d_mlp"]
    return {name: value for name in names if (value := getattr(config, name, None)) is not None}


def _train(options: argparse.Namespace) -> int:
    from compact_proofs.extract.families import card_rows

    out = options.out / "models"
    if options.family == "max_of_k":
        from compact_proofs.models.train import train_command

        d_model = options.d_model or 32
        paths = train_command(
            options.model, options.seed, options.n_ctx or 4, options.d_vocab or 64, d_model, options.d_head or d_model,
            options.steps or 3000, options.device, out, card_rows,
        )  # fmt: skip
    else:
        from compact_proofs.models.modular.train import train_modular_command

        paths = train_modular_command(
            options.model, options.family, options.modulus or 59, options.operation, options.seed, options.d_mlp,
            options.d_model, options.steps, options.device, out, card_rows,
        )  # fmt: skip
    for path in paths:
        print(path)
    return 0


def _purify(options: argparse.Namespace) -> int:
    from compact_proofs.extract.families import card_rows

    print(purify_command(options.model, options.out / "models", card_rows))
    return 0


def _extract(options: argparse.Namespace) -> int:
    from compact_proofs.extract.coq_text import weights_v, write_files
    from compact_proofs.extract.families import network_accuracy, quantise_network, smt_texts
    from compact_proofs.models.errors import InputRefused
    from compact_proofs.models.files import write_atomic

    config, weights = load_model(options.model)
    quantised = quantise_network(config, weights, options.weight_bits)
    folder = options.out / config.name
    quantised.save(folder / "quantised.safetensors")
    write_files(folder, {"Weights.v": weights_v(quantised)})
    written = ["quantised.safetensors", "Weights.v"]
    try:
        for name, text in smt_texts(quantised).items():
            write_atomic(folder / name, text.encode("ascii"))
            written.append(name)
    except InputRefused as error:  # the SMT form is for small networks only
        print(f"compact-proofs extract: no SMT-LIB 2 text: {error}", file=sys.stderr)
    found = network_accuracy(config, weights, quantised)
    print(f"float network      {found.float_network.in_words()}")
    print(f"quantised network  {found.quantised.in_words()}")
    print(f"they differ        {found.disagreement.in_words()}")
    for name in written:
        print(folder / name)
    return 0


def _prove(options: argparse.Namespace) -> int:
    model = _model(options)
    progress = Progress()
    tuning = Tuning(options.resolution, options.bands, options.rank, options.near)
    if options.budget is None:
        chosen = _strategy(model, options.strategy)
    else:
        chosen, tuning = _within_budget(options, model, tuning, progress)
    bits = default_bits(load_config(model)) if options.weight_bits is None else options.weight_bits
    command = f"compact-proofs prove {Path(model).stem} --strategy {chosen.name} --weight-bits {bits}"
    command = f"{command} {tuning.text()}".rstrip()
    how = pipeline.Options(
        options.out, bits, options.jobs, _limits(options), command=command, tuning=tuning
    )
    report = pipeline.prove(model, chosen, how, progress.say, progress)
    if options.json:
        sys.stdout.write(report.to_json())
    else:
        show(report, Console(highlight=False))
    return 0


def _model(options: argparse.Namespace) -> str:
    """Return the model that was named, or given by its sizes. Raises: UsageError: neither or both, or there is none."""
    sizes = (options.n_ctx, options.d_vocab, options.seed)
    if (options.model is None) == all(size is None for size in sizes):
        raise UsageError("MODEL: wanted a name, or --n-ctx (with --d-vocab, --seed) in its place")
    if options.model is not None:
        return str(options.model)
    return model_of_size(options.n_ctx or 4, options.d_vocab or 64, options.seed)


def _within_budget(
    options: argparse.Namespace, model: str, tuning: Tuning, progress: Progress
) -> tuple[Strategy, Tuning]:
    """Find the tightest proof within --budget. Raises: UsageError: none is short enough, or tuning is given too."""
    from compact_proofs.extract.families import quantise_network
    from compact_proofs.extract.quantise import QuantisedModel
    from compact_proofs.proofs.budget import tightest

    if tuning != Tuning():
        raise UsageError(f"budget: got {tuning.text()} too; it chooses these itself, leave them out")
    quantised = quantise_network(*load_model(model), options.weight_bits)
    if not isinstance(quantised, QuantisedModel):
        raise UsageError(f"budget: {model} is no max_of_k network; choose --strategy and --rank yourself")
    chosen, tuning, found = tightest(quantised, options.budget, options.strategy, progress)
    progress.say(f"within {options.budget:,} operations: {chosen.name} {tuning.text()}, {found.operations:,} operations")
    return chosen, tuning


def _check(options: argparse.Namespace) -> int:
    model = _model(options)
    chosen = _strategy(model, options.strategy)
    how = pipeline.Options(
        options.out, jobs=options.jobs, limits=_limits(options), rebuild_theory=options.rebuild_theory
    )
    checked = pipeline.check(model, chosen, how, Progress().say)
    print(f"{checked.theorem}\nCoq accepts: {checked.in_words}.")
    print(f"seconds: {', '.join(f'{stage} {value:.1f}' for stage, value in checked.seconds.items())}")
    print(f"rests on: {', '.join(checked.assumptions) or 'no axiom'}")
    return 0


def _export(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.export import export_proof

    progress = Progress()
    models = [options.model] if options.model else zoo_names()
    how = pipeline.Options(options.out, jobs=options.jobs, limits=_limits(options), estimate=False)
    for model in models:
        folder = options.folder or options.out / "proofs"
        print(export_proof(model, _strategy(model, options.strategy), how, folder, progress.say, progress), flush=True)
    return 0


def _audit(options: argparse.Namespace) -> int:
    from compact_proofs.proofs import audit

    progress = Progress()
    how = pipeline.Options(options.out, jobs=options.jobs, limits=_limits(options), estimate=False)
    found = audit.audit(options.model, _strategy(options.model, options.strategy), how, progress.say, progress)
    audit.show(found, Console(highlight=False))
    return 0


def _report(options: argparse.Namespace) -> int:
    model = model_path(options.model).stem
    path = options.out / model / _strategy(options.model, options.strategy).name / "report.json"
    report = Report.load(path)
    if options.json:
        sys.stdout.write(report.to_json())
    else:
        show(report, Console(highlight=False))
    return 0


def _theory(options: argparse.Namespace) -> int:
    coqrun.require_coq()
    say, limits = Progress().say, _limits(options)
    root = coqrun.theory_root(options.out)
    run = coqrun.build_theory(root, options.jobs, limits, say, options.rebuild_theory)
    print(f"theory: {len(coqrun.theory_sources(root))} files built, {run.seconds:.1f} s, {run.peak_rss_mb:.0f} MB")
    if options.assumptions or options.accept_assumptions:
        assumed = soundness_assumptions(root, limits)
        if options.accept_assumptions:
            accept_golden(assumed)
        check_golden(assumed)
        for name, names in assumed.items():
            print(f"{name} rests on {len(names)} assumptions, as known: {', '.join(names) or 'no axiom'}")
    if options.coqchk:
        modules = coqrun.theory_modules(root)
        run = coqrun.coqchk(root, modules, limits, options.full)
        print(f"coqchk: {len(modules)} modules accepted, {run.seconds:.1f} s, {run.peak_rss_mb:.0f} MB")
    return 0


def _reread(options: argparse.Namespace) -> int:
    files = pipeline.reread_all(pipeline.Options(options.out))
    print(f"{len(files)} generated Coq files are within the grammar")
    return 0


def _frontier(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.frontier import frontier_command
    from compact_proofs.proofs.modular_frontier import modular_frontier_command

    if options.task == "modular":
        return modular_frontier_command(options.out, options.jobs)
    return frontier_command(options.out, options.jobs, options.seeds, options.proved)


def _bench(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.bench import bench_command

    return bench_command(options.out, options.jobs)


def _figure(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.figure import draw

    config, _ = load_model(options.model)
    for path in draw(options.model, options.out, options.folder or options.out / config.name / "figures"):
        print(path)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    return doctor.main([])


def _strategy(model: str, name: str | None) -> Strategy:
    """The strategy of that name, or the best one for the model."""
    return strategy_for(load_config(model).family, name)


def _limits(options: argparse.Namespace) -> coqrun.Limits:
    return coqrun.Limits(float(options.time_limit), options.memory_limit)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted an integer >= 1")
    return int(text)


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted an integer >= 0")
    return int(text)


def _operations(text: str) -> int:
    """Read 20000000 or 2e7."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value < 1e18:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a number of operations, such as 2e7")
    return int(value)


def _exponents(text: str) -> tuple[int, ...]:
    """Read "0,0,1,2"."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted exponents such as 0,0,1,2: bands of 1, 1, 2 and 4 tokens")
    return tuple(map(int, parts))


def _seeds(text: str) -> list[int]:
    """Read "7", "1,2,5" or "0-15"."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not (first.isdigit() and (last.isdigit() if dash else True)):
            raise argparse.ArgumentTypeError(f"got {text!r}, wanted seeds such as 7, 1,2,5 or 0-15")
        seeds += range(int(first), int(last if dash else first) + 1)
    if not seeds or len(set(seeds)) != len(seeds):
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted at least one seed and none twice")
    return seeds


def os_error_in_words(error: OSError) -> str:
    """Say which file the system refused, why, and what to do."""
    advice = ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        advice = "make room, or choose another folder by --out"
    elif error.errno == errno.EFBIG:
        advice = "files may not grow to this size here; raise `ulimit -f`"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "choose a folder that you may write to by --out, or change its permissions"
    elif error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        advice = "a file stands where a folder is wanted, or a folder where a file is; move it, or choose another folder by --out"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}" + (f"; {advice}" if advice else "")


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
