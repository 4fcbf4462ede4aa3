"""`compact-proofs list`: the models and the strategies."""

from __future__ import annotations

import argparse
import json

from compact_proofs.extract.families import AnyConfig
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_model, model_names
from compact_proofs.proofs.commands.options import json_option
from compact_proofs.proofs.registry import GROUPS, SOLVERS, WITH_DISTRIBUTION, strategies

SUMMARY = "list the models and the strategies"


def add(parser: argparse.ArgumentParser) -> None:
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    configs = [load_model(name)[0] for name in model_names()]
    if options.json:
        models = {config.name: {"family": config.family} | _sizes(config) for config in configs}
        known = {group: {one.name: one.summary for one in strategies(group).values()} for group in GROUPS}
        value = {"models": models, "strategies": known, "with_distribution": WITH_DISTRIBUTION, "solvers": SOLVERS}
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
    print("with --distribution, for max_of_k:")
    for name, summary in WITH_DISTRIBUTION.items():
        print(f"  {name:22}  {summary}")
    print("solvers, for `prove` and `compare`:")
    for name, summary in SOLVERS.items():
        print(f"  {name:22}  {summary}")
    return 0


def _sizes(config: AnyConfig) -> dict[str, object]:
    first = ["n_ctx", "d_vocab"] if config.family == "max_of_k" else ["modulus", "operation"]
    names = [*first, "d_model", "d_head", "d_attn", "d_mlp"]
    return {name: value for name in names if (value := getattr(config, name, None)) is not None}
