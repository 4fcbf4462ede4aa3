"""Writers of the generated Coq files: `weights_v`, `certificate_v`, `distribution_v`, `theorem_v`, `assumptions_v`, `diagnose_v`.

Pure functions from integers and names to text; `write_files` puts a set of them on disk. Weights.v, Certificate.v and
Distribution.v are data, the others short templates. `grammar` re-reads each file before coqc sees it. Equal inputs give equal
bytes: no date, host or path is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from compact_proofs.extract.layouts import LAYOUTS, MAX_OF_K, Layout
from compact_proofs.models.errors import CertificateError, OverflowRisk, ShapeError, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.names import COQ_IDENTIFIER

GENERATOR = 1  # raised whenever the bytes of Weights.v change for equal weights
LITERAL_LIMIT = 2**62  # every |Z| and int stays below
FLAT_LIMIT = 4000  # entries of one list; a flat list of some 30,000 overflows coqc's stack
COQ_TYPES = {  # depth of nesting and scope of the literals by type
    "Z": (0, "Z"),
    "int": (0, "uint63"),
    "list Z": (1, "Z"),
    "list int": (1, "uint63"),
    "list (list Z)": (2, "Z"),
    "list (list int)": (2, "uint63"),
    "list (list (list int))": (3, "uint63"),
}
RESERVED = re.compile(  # names that Coq, or a type of a data file, has taken
    "Z|int|list|Type|Set|Prop|SProp|as|at|by|cofix|do|else|end|exists|exists2|fix|for|forall|fun|if|IF|in|let|match|mod|"
    "return|then|using|where|with"
)
Statement = Literal["at_least", "at_most", "exactly", "at_least_weight"]
WEIGHTED: tuple[Statement, ...] = ("at_least_weight",)  # statements about a distribution, which is then part of them
DISTRIBUTION_KEY = re.compile(r"[0-9a-f]{8}")
QUALIFIED_NAME = re.compile(rf"{COQ_IDENTIFIER.pattern}(\.{COQ_IDENTIFIER.pattern})*")


@dataclass(frozen=True, slots=True)
class Field:
    """One definition of a data file: `name : coq_type := value`.

    `coq_type` is a key of COQ_TYPES; `value` an int, nested sequences or an integer array, kept as nested tuples of int.
    Raises: CertificateError: a name, type or value that cannot be written. ShapeError: a list of over FLAT_LIMIT
    entries. OverflowRisk: |value| >= 2^62.
    """

    name: str
    coq_type: str
    value: Any

    def __post_init__(self) -> None:
        _check_identifier("field", self.name)
        if self.coq_type not in COQ_TYPES:
            raise CertificateError(f"field {self.name}: type is {self.coq_type!r}; wanted one of: {', '.join(COQ_TYPES)}")
        depth, scope = COQ_TYPES[self.coq_type]
        least = 0 if scope == "uint63" else 1 - LITERAL_LIMIT
        object.__setattr__(self, "value", _plain(self.name, self.value, depth, least))


@dataclass(frozen=True, slots=True)
class TheoremForm:
    """All of a theorem but the model and N: a strategy, a statement, and their Coq names in the facade of the network's layout.

    `fields` are the definitions of Certificate.v, in the order in which `constructor` takes them; `distribution` tells apart
    those of one model where the statement is about one, and is empty elsewhere.
    Raises: CertificateError: a name that is no Coq identifier. UsageError: an unknown statement.
    """

    strategy: str
    statement: Statement
    constructor: str
    fields: tuple[str, ...]
    check: str
    sound: str
    verdict: str
    layout: Layout = MAX_OF_K
    distribution: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", tuple(self.fields))
        for name in (self.strategy, *self.fields):
            _check_identifier("theorem", name)
        for name in (self.constructor, self.check, self.sound, self.verdict):
            if not QUALIFIED_NAME.fullmatch(name):
                raise CertificateError(f"theorem: {name!r} is no Coq name; wanted letters, digits, _ and single dots")
        if self.statement not in get_args(Statement):
            raise UsageError(f"theorem: statement is {self.statement!r}; wanted one of: {', '.join(get_args(Statement))}")
        wanted = DISTRIBUTION_KEY.fullmatch(self.distribution) if self.statement in WEIGHTED else not self.distribution
        if not wanted:
            raise CertificateError(f"theorem: the distribution is {self.distribution!r} for a statement {self.statement}")

    @property
    def folder(self) -> str:
        """Return the name of the folder, and of the Coq module, that has the proof: one for each distribution."""
        return f"{self.strategy}_{self.distribution}" if self.distribution else self.strategy


class Network(Protocol):
    """What Weights.v is written from: a `QuantisedNetwork`, or the numbers in a proof's folder.

    matrices: each with `ints`, rows of integers, and `scale_bits`.
    """

    @property
    def name(self) -> str: ...
    @property
    def layout(self) -> str: ...
    @property
    def weight_bits(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    def sizes(self) -> Mapping[str, int]: ...
    def matrices(self) -> Mapping[str, Any]: ...


def weights_fields(quantised: Network) -> list[Field]:
    """Return the definitions of Weights.v: the sizes, then each matrix and its scale bits."""
    layout = LAYOUTS[quantised.layout]
    sizes = quantised.sizes()
    result = [Field(size, "Z", sizes[size]) for size in (*layout.sizes, *layout.signed)]
    for name, matrix in quantised.matrices().items():
        result += [Field(name, "list (list Z)", matrix.ints), Field(f"{name}_bits", "Z", matrix.scale_bits)]
    return result


def weights_v(quantised: Network) -> str:
    """Write Weights.v; one matrix row per source line.

    Raises: as `Field`: weights that cannot be written.
    """
    _check_identifier("model", quantised.name)
    header = (
        f"weights: generator {GENERATOR}, model {quantised.name}, weight bits {quantised.weight_bits}, sha256 {quantised.sha256}"
    )
    return _data_file(header, weights_fields(quantised))


def certificate_v(model: str, strategy: str, fields: Iterable[Field]) -> str:
    """Write Certificate.v: the fields in order, innermost rows one per source line.

    Raises: CertificateError: a repeated field name, or a model or strategy that is no Coq identifier.
    """
    fields = list(fields)
    names = [field.name for field in fields]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise CertificateError(f"certificate of {strategy}: field {repeated[0]} is given twice")
    return _data_file(_header("certificate", model, strategy), fields)


def distribution_v(model: str, strategy: str, field: Field) -> str:
    """Write Distribution.v: the weights of the tokens, a position a line.

    Raises: CertificateError: a model or strategy that is no Coq identifier.
    """
    return _data_file(_header("distribution", model, strategy), [field])


def theorem_v(form: TheoremForm, model: str, proved: int) -> str:
    """Write Theorem.v: the bound `proved` (a count of inputs, or a weight) by one evaluation of the checker.

    Raises: CertificateError: a model that is no Coq identifier. UsageError: `proved` is no integer >= 0.
    """
    goal = {
        "at_least": f"({_count(proved)} <= correct_count network)%Z",
        "at_most": f"(correct_count network <= {_count(proved)})%Z",
        "exactly": f"correct_count network = {_count(proved)}%Z",
        "at_least_weight": f"({_count(proved)} <= correct_weight distribution network)%Z",
    }[form.statement]
    return f"""{_network_and_certificate("theorem", form, model)}
Lemma accepted : {form.check} {_count(proved)}%Z {_arguments(form)} = true.
Proof. by_computation. Qed.

Theorem accuracy : {goal}.
Proof. exact ({form.sound} {"_ " * (1 + len(_arguments(form).split()))}accepted). Qed.
"""


def assumptions_v(model: str, strategy: str) -> str:
    """Write Assumptions.v: print what Theorem.accuracy rests on. It only Requires, so that names come out qualified.

    `Theorem` is a Coq keyword: `From .. Require Theorem` is a syntax error, the full name is none.
    """
    return f"""(* CompactProofs: {_header("assumptions", model, strategy)} *)
Require CompactProofs.Generated.{model}.{strategy}.Theorem.
Print Assumptions CompactProofs.Generated.{model}.{strategy}.Theorem.accuracy.
"""


def diagnose_v(form: TheoremForm, model: str, proved: int) -> str:
    """Write Diagnose.v: print the checker's verdict on the theorem's network and certificate, which says why it failed.

    Raises: as `theorem_v`.
    """
    return f"""{_network_and_certificate("diagnose", form, model)}
Eval vm_compute in ({form.verdict} {_count(proved)}%Z {_arguments(form)}).
"""


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write each text to `folder`/name, each by a rename, in name order; bytes are ASCII."""
    for name, text in sorted(files.items()):
        write_atomic(Path(folder) / name, text.encode("ascii"))


def _network_and_certificate(what: str, form: TheoremForm, model: str) -> str:
    """The common head of Theorem.v and Diagnose.v."""
    certificate = " ".join([form.constructor, *(f"Certificate.{field}" for field in form.fields)])
    data, distribution = "Certificate", ""
    if form.distribution:
        data, distribution = "Distribution Certificate", "Definition distribution := Distribution.weights.\n\n"
    return f"""(* CompactProofs: {_header(what, model, form.folder)} *)
From Coq Require Import ZArith.
From CompactProofs Require Import {form.layout.facade}.
From CompactProofs.Generated.{model} Require Weights.
From CompactProofs.Generated.{model}.{form.folder} Require {data}.

{form.layout.definition()}
{distribution}Definition certificate := {certificate}.
"""


def _arguments(form: TheoremForm) -> str:
    """What a checker takes besides N."""
    return "distribution network certificate" if form.distribution else "network certificate"


def _header(what: str, model: str, strategy: str) -> str:
    _check_identifier("model", model)
    _check_identifier("strategy", strategy)
    return f"{what}: model {model}, strategy {strategy}"


def _data_file(header: str, fields: list[Field]) -> str:
    """Header comment, the imports that the types need, and the definitions, apart by empty lines."""
    types = [field.coq_type for field in fields]
    needed = {
        "ZArith": any(COQ_TYPES[coq_type][1] == "Z" for coq_type in types),
        "Uint63": any(COQ_TYPES[coq_type][1] == "uint63" for coq_type in types),
        "List": any(COQ_TYPES[coq_type][0] > 0 for coq_type in types),
    }
    top = f"(* CompactProofs: {header} *)\n"
    if fields:
        top += f"From Coq Require Import {' '.join(name for name, wanted in needed.items() if wanted)}.\n"
    if needed["List"]:
        top += "Import ListNotations.\n"
    return "\n".join([top, *(_definition(field) for field in fields)])


def _definition(field: Field) -> str:
    depth, scope = COQ_TYPES[field.coq_type]
    body = f"({field.value})" if depth == 0 and field.value < 0 else _literal(field.value, depth, "")
    return f"Definition {field.name} : {field.coq_type} := {body}%{scope}.\n"


def _literal(value: Any, depth: int, indent: str) -> str:
    if depth == 0:
        return str(value)
    if depth == 1:
        return "[" + "; ".join(map(str, value)) + "]"
    if not value:
        return "[]"
    inner = indent + "  "
    return "[\n" + ";\n".join(inner + _literal(entry, depth - 1, inner) for entry in value) + f"\n{indent}]"


def _plain(where: str, value: Any, depth: int, least: int) -> Any:
    """Return `value` as nested tuples of int, `depth` deep, every entry checked; `where` is its name and indices."""
    if hasattr(value, "tolist"):  # a numpy array or number
        value = value.tolist()
    if depth == 0:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise CertificateError(f"field {where}: got {type(value).__name__} {_short(value)}; wanted an integer")
        number = int(value)
        if not least <= number < LITERAL_LIMIT:
            wanted = "0 <= value < 2^62" if least == 0 else "|value| < 2^62"
            raise OverflowRisk(f"field {where}: got {_short(value)}; wanted {wanted}")
        return number
    if not isinstance(value, list | tuple):
        raise CertificateError(f"field {where}: got {type(value).__name__} {_short(value)}; wanted a list")
    if len(value) > FLAT_LIMIT:
        raise ShapeError(f"field {where}: got a list of {len(value)} entries; wanted at most {FLAT_LIMIT}; nest it in rows")
    return tuple(_plain(f"{where}[{index}]", entry, depth - 1, least) for index, entry in enumerate(value))


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"of {len(value)} entries"
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"  # repr() refuses very long ones
    return repr(value)[:40]


def _count(proved: int) -> str:
    if isinstance(proved, bool) or not isinstance(proved, int) or proved < 0:
        raise UsageError(f"theorem: the proved count is {proved!r}; wanted an integer >= 0")
    return str(proved)


def _check_identifier(what: str, name: str) -> None:
    if not isinstance(name, str) or not COQ_IDENTIFIER.fullmatch(name) or RESERVED.fullmatch(name):
        raise CertificateError(
            f"{what}: {name!r} is no free Coq identifier; wanted a letter, then letters, digits or _, and no Coq keyword"
        )
