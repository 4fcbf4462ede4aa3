"""What a comparison needs: `Plan`, made by `planning.make_plan`, kept in plan.json, where the jobs and the Snakefile read it.

Under OUT/compare: NAME/ has plan.json, the table and the logs of one comparison; .results/ has what the jobs of all comparisons
have found, each in a file named by a hash of its inputs (weights, config, bits, strategy, parameters, source code; of a proof
also the theory), so that nothing is computed twice and nothing stale is used; beside them a stamp for each job that is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compact_proofs.extract.families import AnyConfig
from compact_proofs.models.errors import InputRefused
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import load_config
from compact_proofs.proofs.compare.choices import Choice, fitting
from compact_proofs.proofs.compare.records import Result, Truth
from compact_proofs.proofs.registry import Strategy

SCHEMA = 1
RESULTS = ".results"


@dataclass(frozen=True, slots=True)
class Search:
    """One row of the table, or a search for the enclosure of the true count only (`shown` false).

    weight_bits: resolved; key: of the result, empty where nothing is to be computed: left_out says why, or the network is not
    there; proof_key: of Coq's verdict, empty where Coq is not asked; named: by the user, so that what may take long is tried.
    """

    choice: Choice
    weight_bits: int
    key: str
    proof_key: str
    shown: bool = True
    left_out: str = ""
    named: bool = False

    def text(self) -> str:
        """Return it in words, such as "subcubic --near 1, 8 bits"."""
        return f"{self.choice.strategy} {self.choice.tuning.text()}".rstrip() + f", {self.weight_bits} bits"


@dataclass(frozen=True, slots=True)
class Planned:
    """A network and what is to be computed on it. source: of a config of the same sizes, should the network not be there;
    files_sha256: of its files, empty where it is not there; truths: for each number of bits, the key of the true count, empty
    where the inputs are too many."""

    name: str
    path: Path
    source: Path
    seed: int | None
    files_sha256: str
    searches: tuple[Search, ...]
    truths: dict[int, str]

    def config(self) -> AnyConfig:
        """Read the config; of the source where the network is not there."""
        return load_config(self.path if self.path.is_file() else self.source)

    @property
    def searched(self) -> Sequence[Search]:
        return [search for search in self.searches if search.key]

    @property
    def proved(self) -> Sequence[Search]:
        return [search for search in self.searches if search.proof_key]

    def strategy(self, search: Search) -> Strategy:
        return fitting(self.config())[search.choice.strategy]


@dataclass(frozen=True, slots=True)
class Training:
    """Seeds to be trained together. name: of the first; source: .json of the model whose recipe it is; names, seeds: of all."""

    name: str
    source: Path
    names: tuple[str, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A comparison. Paths are relative to `root`, the working folder of the command; limit_s: of a search or a run of Coq."""

    name: str
    root: Path
    out: Path
    limit_s: int
    networks: tuple[Planned, ...]
    trainings: tuple[Training, ...]

    @property
    def compare(self) -> Path:
        """The folder of all comparisons, where Snakemake works."""
        return self.out / "compare"

    @property
    def folder(self) -> Path:
        return self.compare / self.name

    @property
    def path(self) -> Path:
        return self.folder / "plan.json"

    def log(self, kind: str, name: str) -> Path:
        """Return where a job writes what it has to say."""
        return self.folder / "logs" / f"{kind}-{name}.log"

    @property
    def snakemake_log(self) -> Path:
        return self.folder / "logs" / "snakemake.log"

    def network(self, name: str) -> Planned:
        return next(network for network in self.networks if network.name == name)

    def training(self, name: str) -> Training:
        return next(training for training in self.trainings if training.name == name)

    def result(self, network: Planned, key: str) -> Path:
        """Return the file of a `Result` or `Truth`."""
        return self.compare / RESULTS / network.name / f"{key}.json"

    def stamp(self, network: Planned, what: str) -> str:
        """Return the path, relative to `compare`, of what says that all searches or all proofs of a network are done."""
        keys = [network.truths, [search.key if what == "searched" else search.proof_key for search in network.searches]]
        digest = hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()
        return f"{RESULTS}/{network.name}/{digest[:24]}.{what}"

    def training_stamp(self, training: Training) -> str:
        digest = hashlib.sha256(json.dumps([str(training.source), training.names]).encode()).hexdigest()
        return f"{RESULTS}/.trained/{training.name}-{digest[:12]}"

    def open_searches(self, network: Planned) -> list[Search]:
        """Return the searches of a network whose result is still to be found."""
        return [search for search in network.searched if not self._stands(network, search.key)]

    def open_proofs(self, network: Planned) -> list[Search]:
        """Return the proofs of a network that Coq has yet to see; none of a bound that is 0, or that nobody has found."""
        found = [search for search in network.proved if not self._stands(network, search.proof_key)]
        return [search for search in found if self.predicted(network, search) != 0]

    def predicted(self, network: Planned, search: Search) -> int | None:
        """Return the bound that has been found, 0 where there is none, None where nobody has searched yet."""
        result = Result.load(self.result(network, search.key))
        return None if result is None or not result.stands(self.limit_s) else result.bound or 0

    def open_truths(self, network: Planned) -> list[int]:
        """Return the numbers of bits for which the true count is still to be found."""
        wanted = {bits: key for bits, key in network.truths.items() if key}
        return [bits for bits, key in wanted.items() if Truth.load(self.result(network, key)) is None]

    def wanted(self) -> list[Path]:
        """Return the files of all results that are wanted; of proofs too."""
        found = []
        for network in self.networks:
            keys = [key for search in network.searches for key in (search.key, search.proof_key)]
            found += [self.result(network, key) for key in [*keys, *network.truths.values()] if key]
        return found

    def _stands(self, network: Planned, key: str) -> bool:
        result = Result.load(self.result(network, key))
        return result is not None and result.stands(self.limit_s)

    def save(self) -> None:
        """Write plan.json, but not if it is there already: what depends on it would be made again."""
        data = (json.dumps(self._to_json(), indent=1, sort_keys=True) + "\n").encode()
        if not self.path.is_file() or self.path.read_bytes() != data:
            write_atomic(self.path, data)

    def _to_json(self) -> dict[str, Any]:
        networks = []
        for network in self.networks:
            value = asdict(network) | {"path": str(network.path), "source": str(network.source)}
            value["searches"] = [asdict(search) | {"choice": search.choice.to_json()} for search in network.searches]
            networks.append(value)
        trainings = [asdict(training) | {"source": str(training.source)} for training in self.trainings]
        start = {"schema": SCHEMA, "name": self.name, "root": str(self.root), "out": str(self.out), "limit_s": self.limit_s}
        return start | {"networks": networks, "trainings": trainings}

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read plan.json.

        Raises: InputRefused: there is none, or it is not one of ours.
        """
        try:
            value = json.loads(path.read_bytes())
            if value.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            networks = tuple(map(_planned, value["networks"]))
            trainings = tuple(
                Training(one["name"], Path(one["source"]), tuple(one["names"]), tuple(one["seeds"])) for one in value["trainings"]
            )
            return cls(value["name"], Path(value["root"]), Path(value["out"]), value["limit_s"], networks, trainings)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputRefused(f"{path}: not the plan of a comparison ({error}); run `compact-proofs compare` again") from error


def _planned(value: dict[str, Any]) -> Planned:
    searches = tuple(Search(**(one | {"choice": Choice.from_json(one["choice"])})) for one in value["searches"])
    truths = {int(bits): key for bits, key in value["truths"].items()}
    return Planned(
        value["name"], Path(value["path"]), Path(value["source"]), value["seed"], value["files_sha256"], searches, truths
    )


def files_sha256(path: Path) -> str:
    """Hash weights and config of a network."""
    return hashlib.sha256(path.with_suffix(".safetensors").read_bytes() + path.read_bytes()).hexdigest()
