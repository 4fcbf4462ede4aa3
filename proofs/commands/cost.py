"""`compact-proofs cost`: how many operations a checker takes, in closed form and at given sizes."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from compact_proofs.models.errors import UsageError
from compact_proofs.models.modular.config import MODULAR_FAMILIES
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.commands.options import (
    BITS_HELP,
    Progress,
    chosen_strategy,
    distribution_option,
    exponents,
    json_option,
    natural,
    positive,
)
from compact_proofs.proofs.registry import SOLVERS, Found, Tuning

if TYPE_CHECKING:
    from compact_proofs.proofs.cost import Cost

SUMMARY = "how many operations a strategy's checker takes: the closed form, and the number at given sizes"
SEQUENCE_SIZES = ("n_ctx", "d_vocab", "d_head")
PAIR_SIZES = ("modulus", "d_mlp", "d_attn", "family", "frequencies")
D_MODEL = 32  # of networks for the largest token, as `train` has it


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strategy", metavar="NAME", help="one of `compact-proofs list`; with --model the best is the default")
    parser.add_argument("--model", metavar="MODEL", help="in place of sizes: those of this model and its certificate")
    parser.add_argument("--weight-bits", type=positive, metavar="N", help=f"with --model: {BITS_HELP}")
    distribution_option(parser)
    sizes = parser.add_argument_group("sizes, for the largest token")
    for name, text in (("n-ctx", "positions"), ("d-vocab", "tokens"), ("d-head", "default d-model")):
        sizes.add_argument(f"--{name}", type=positive, metavar="N", help=text)
    sizes.add_argument("--d-model", type=positive, metavar="N", help=f"default {D_MODEL}; of modular networks too")
    pairs = parser.add_argument_group("sizes, for modular arithmetic")
    for name, text in (("modulus", "an odd number"), ("d-mlp", "hidden width"), ("d-attn", "of modular_pizza")):
        pairs.add_argument(f"--{name}", type=positive, metavar="N", help=text)
    pairs.add_argument("--family", choices=MODULAR_FAMILIES, help="default: the first that has these sizes and this strategy")
    chosen = parser.add_argument_group("choices of the certificate")
    chosen.add_argument("--resolution", type=positive, metavar="N", help="units of cost that are told apart")
    chosen.add_argument("--bands", type=exponents, metavar="K,K,..", help="tokens below the largest: bands of 2^K, as 0,0,1,2")
    chosen.add_argument("--rank", type=natural, metavar="N", help="of the products of low rank")
    chosen.add_argument("--near", type=natural, metavar="N", help="outputs up to N (0 to 16) from the answer are taken singly")
    chosen.add_argument("--blocks", type=positive, metavar="N", help="of largest tokens (default d-vocab, the most there are)")
    chosen.add_argument("--frequencies", type=positive, metavar="N", help="of the neurons (default 5)")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.strategy in SOLVERS:
        raise UsageError(f"strategy {options.strategy} has no operations to count; `prove --strategy z3` shows Z3's own counter")
    tuning = Tuning(options.resolution, options.bands, options.rank, options.near)
    found: Found | None = None
    if options.model is not None:
        cost, found = _of_model(options, tuning)
    else:
        cost = _of_sizes(options, tuning)
    if options.json:
        print(json.dumps(_value(cost, options.model, found), indent=2))
    else:
        print("\n".join(_lines(cost, options.model, found)))
    return 0


def _of_model(options: argparse.Namespace, tuning: Tuning) -> tuple[Cost, Found]:
    from compact_proofs.extract.families import quantise_network
    from compact_proofs.proofs.cost import of_found

    given = [name for name in (*SEQUENCE_SIZES, "d_model", *PAIR_SIZES, "blocks") if getattr(options, name) is not None]
    if given:
        raise UsageError(f"--{given[0].replace('_', '-')}: --model says it; leave one of the two out")
    chosen = chosen_strategy(options.model, options.strategy, options.distribution)
    config, weights = load_model(options.model)
    quantised = quantise_network(config, weights, options.weight_bits)
    found = chosen.find(quantised, tuning, Progress())
    return of_found(quantised, chosen.name, found), found


def _of_sizes(options: argparse.Namespace, tuning: Tuning) -> Cost:
    from compact_proofs.proofs import cost_max_of_k, cost_modular
    from compact_proofs.proofs.cost import groups_of

    if options.strategy is None:
        raise UsageError("--strategy: missing; `compact-proofs list` has them all")
    groups = groups_of(options.strategy)
    of_pairs = [name for name in PAIR_SIZES if getattr(options, name) is not None]
    of_sequences = [name for name in (*SEQUENCE_SIZES, "blocks") if getattr(options, name) is not None]
    pairs = bool(of_pairs) if len(groups) == 2 else groups == ["modular"]
    if wrong := of_sequences if pairs else of_pairs:
        task = "modular arithmetic" if pairs else "the largest token"
        raise UsageError(f"--{wrong[0].replace('_', '-')}: strategy {options.strategy} is here for {task}; leave it out")
    for name in ("weight_bits", "distribution"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')}: goes with --model; the count at given sizes does not depend on it")
    if pairs:
        names = ("modulus", "d_model", "d_attn", "d_mlp")
        sizes = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
        family = options.family or cost_modular.family_of(options.strategy, sizes)
        return cost_modular.of_sizes(options.strategy, family, sizes, tuning, options.frequencies)
    if missing := [name for name in ("n_ctx", "d_vocab") if getattr(options, name) is None]:
        instead = " (or --modulus and --d-mlp, for modular arithmetic)" if len(groups) == 2 else ""
        raise UsageError(f"--{missing[0].replace('_', '-')}: missing; the count depends on --n-ctx and --d-vocab{instead}")
    width = options.d_model or D_MODEL
    network = cost_max_of_k.Network(options.n_ctx, options.d_vocab, width, options.d_head or width)
    given = {letter for letter, name in zip("ndDH", network._fields, strict=True) if getattr(options, name) is not None}
    return cost_max_of_k.of_sizes(options.strategy, network, tuning, options.blocks).with_defaults(set("DH") - given)


def _value(cost: Cost, model: str | None, found: Found | None) -> dict[str, object]:
    from compact_proofs.proofs.cost import MEANINGS

    terms = [{"term": text, "value": str(value), "share": round(share, 6)} for text, value, share in cost.largest_terms()]
    counted = None if found is None else {"model": model, "operations": str(found.operations), "proved": str(found.proved)}
    return {
        "strategy": cost.strategy,
        "group": cost.group,
        "operations": str(cost.number),
        "kind": "upper bound" if cost.lemmas else "estimate",
        "lemmas": list(cost.lemmas),
        "sizes": {name: size._asdict() | {"meaning": MEANINGS[name]} for name, size in cost.sizes.items()},
        "choices": list(cost.choices),
        "formula": cost.shown(),
        "largest_terms": terms,
        "counted": counted,
    }


def _lines(cost: Cost, model: str | None, found: Found | None) -> list[str]:
    from compact_proofs.proofs.cost import MEANINGS

    if cost.lemmas:
        first = f"{cost.strategy}: at most {cost.number:,} operations; proved in Coq, {' and '.join(cost.lemmas)}"
    else:
        first = f"{cost.strategy}: {cost.number:,} operations, an estimate that no theorem bounds"
    lines = [first, ""]
    if found is not None:
        share = cost.number / found.operations
        beside = "the same" if share == 1 else f"the formula, one resolution for all largest tokens, is {share:.2f} times that"
        lines += [f"counted for the certificate of {model}: {found.operations:,} operations; {beside}", ""]
    width = max(len(f"{size.value:,}") for size in cost.sizes.values())
    lines += [f"  {name:4}{size.value:>{width},}  {MEANINGS[name]}; {size.origin}" for name, size in cost.sizes.items()]
    lines += [f"  {choice}" for choice in cost.choices]
    positions = cost.sizes["n"].value if "n" in cost.sizes else 0
    lines += ["", "the sum of" + ", for n >= 2" * (positions > 1)]
    lines += [f"  {name}: {text}" for name, text in cost.shown().items()]
    here = f", n = {positions}" if positions else ""
    lines += ["", f"largest terms, multiplied out{here}"]
    terms = cost.largest_terms()
    long = max(len(text) for text, _, _ in terms)
    wide = max(len(f"{value:,}") for _, value, _ in terms)
    return lines + [f"  {text:{long}}  {value:>{wide},}  {share:7.1%}" for text, value, share in terms]
