"""The changes that a mutant of a Python mirror can have, and which functions are mirrors: `changes`, `mirrors`.

Changed are comparisons, arithmetic, integers, least and greatest, `and`, `or`, `not`, any and all, rounding, the ends of an
enclosure, conditions, and refusals left out. Not changed: annotations, docstrings, texts of errors; `strict` of zip, which only
says that two lists are known to be of one length; how much is done at a time. Which functions are mirrors: those that the verdict
of a strategy can reach by name, without those that find, count operations or speak to people.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PACKAGE = "compact_proofs."
Key = tuple[str, str]  # module, name
APART = re.compile(r"(?:.*_)?(?:find|search|least|operations|words|curve|text|lines|fields|certificate)(?:_.*)?$")
EFFORT = {"CHUNK", "CELLS", "QUERIES", "STEP", "OUTPUT", "EXPONENTIAL", "MOST_OPERATIONS", "MOST_SEQUENCES", "_check_size"}
SWAPPED = {
    "min": "max", "any": "all", "floor": "ceil", "minimum": "maximum", "logical_and": "logical_or", "argmin": "argmax",
    "shift_up": "shift_down", "scale_up": "scale_down", "exp_upper": "exp_lower", "upper_term": "lower_term",
    "lower": "upper",
}  # fmt: skip
SWAPPED |= {b: a for a, b in SWAPPED.items()}
COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">"), ast.LtE: ("<", ">="), ast.Gt: (">=", "<"), ast.GtE: (">", "<="), ast.Eq: ("!=",), ast.NotEq: ("==",),
    ast.In: ("not in",), ast.NotIn: ("in",), ast.Is: ("is not",), ast.IsNot: ("is",),
}  # fmt: skip
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
MESSAGES = {"refused", "overflow", "CertificateError", "OverflowRisk", "InputRefused", "ShapeError", "UsageError"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, or the statements of a module outside of them (name ""). first, last: its lines."""

    module: str
    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Change:
    """Characters start .. end replaced by `new`, in the function `name`."""

    operator: str
    name: str
    start: int
    end: int
    new: str

    def applied(self, text: str) -> str:
        """Return the changed text."""
        return text[: self.start] + self.new + text[self.end :]


def functions(module: str, text: str) -> Iterator[tuple[Function, ast.FunctionDef]]:
    """Yield the functions of a module and the methods of its classes; one inside another belongs to it."""
    for node in ast.parse(text).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for one in inner:
            if isinstance(one, ast.FunctionDef):
                first = min([one.lineno, *(decorator.lineno for decorator in one.decorator_list)])
                yield Function(module, prefix + one.name, first, one.end_lineno or one.lineno), one


@dataclass(frozen=True, slots=True)
class Modules:
    """What stands in some modules: functions and variables by (module, name), methods by name, imports by module and name."""

    functions: dict[Key, ast.FunctionDef]
    variables: dict[Key, ast.expr]
    methods: dict[str, set[Key]]
    imports: dict[str, dict[str, Key]]

    def named(self, module: str, node: ast.AST) -> set[Key]:
        """Return the functions and variables that a piece of a module names: too many rather than too few."""
        result: set[Key] = set()
        for one in ast.walk(node):
            if isinstance(one, ast.Name):
                source, original = self.imports[module].get(one.id, (module, one.id))
                special = (key for key in self.functions if key[0] == source and key[1].startswith(f"{original}.__"))
                result |= {(source, original), *special}
            elif isinstance(one, ast.Attribute):
                result |= self.methods.get(one.attr, set())
                if isinstance(one.value, ast.Name) and one.value.id in self.imports[module]:
                    source, original = self.imports[module][one.value.id]
                    result |= {(f"{source}.{original}", one.attr), (source, f"{original}.{one.attr}")}
        return {key for key in result if key in self.functions or key in self.variables}

    def node(self, key: Key) -> ast.AST:
        """Return the text's tree of a function, or of the value of a variable."""
        return self.functions[key] if key in self.functions else self.variables[key]


def modules(sources: dict[str, str]) -> Modules:
    """Read modules."""
    found = Modules({}, {}, defaultdict(set), {})
    for module, text in sources.items():
        tree = ast.parse(text)
        for function, node in functions(module, text):
            found.functions[module, function.name] = node
            if "." in function.name:
                found.methods[node.name].add((module, function.name))
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                found.variables[module, statement.targets[0].id] = statement.value
        found.imports[module] = {
            alias.asname or alias.name: (one.module or "", alias.name)
            for one in ast.walk(tree)
            if isinstance(one, ast.ImportFrom)
            for alias in one.names
        }
    return found


def mirrors(found: Modules, roots: Iterable[str] = ("verdict", "fold")) -> dict[Key, set[Key]]:
    """Return the functions, and the variables in capitals, that functions named as `roots` can reach; with each, which functions
    name it, itself included: those that a change of it can show in.

    What is named as if it found, measured or told something is left out (APART), and what says how much is done at a time, or at
    all (EFFORT).
    """
    todo = [key for key in found.functions if key[1].rpartition(".")[2] in set(roots)]
    reached: dict[Key, set[Key]] = {key: {key} for key in todo}
    while todo:
        key = todo.pop()
        shown = {key} if key in found.functions else reached[key]
        for target in found.named(key[0], found.node(key)):
            name = target[1].rpartition(".")[2]
            if APART.match(name) or name in EFFORT or (target in found.variables and not name.lstrip("_").isupper()):
                continue
            before = len(reached.get(target, ()))
            reached.setdefault(target, {target} if target in found.functions else set()).update(
                shown if target in found.variables or key in found.variables else ()
            )
            if len(reached[target]) > before:
                todo.append(target)
    return reached


def changes(text: str, names: set[str]) -> list[Change]:
    """Return the changes of some functions of a module, and of numbers in the values of some of its variables."""
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = modules({"": text})
    parts = {name: node for (_, name), node in (found.functions | found.variables).items() if name in names}
    all_found = [one for name, node in parts.items() for one in _Walk(text, offsets, name).of(node)]
    unique = {(one.start, one.end, one.new): one for one in reversed(all_found)}
    return sorted(unique.values(), key=lambda one: (one.start, one.end, one.operator, one.new))


class _Walk:
    """The changes inside of one function, by a walk that leaves out what is not computed."""

    def __init__(self, text: str, offsets: list[int], name: str) -> None:
        self.text, self.offsets, self.name = text, offsets, name
        self.found: list[Change] = []

    def of(self, node: ast.AST) -> list[Change]:
        if isinstance(node, ast.FunctionDef):
            for statement in node.body:
                self.visit(statement)
            for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one)]:
                self.visit(default)
        else:
            self.visit(node)
        return self.found

    def span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self._place(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self._place(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def _place(self, line: int, column: int) -> int:
        start = self.offsets[line - 1]
        row = self.text[start : self.offsets[line] if line < len(self.offsets) else len(self.text)]
        return start + len(row.encode()[:column].decode())

    def add(self, operator: str, start: int, end: int, new: str) -> None:
        if self.text[start:end] != new:
            self.found.append(Change(operator, self.name, start, end, new))

    def between(self, left: ast.AST, right: ast.AST, old: str, operator: str, new: str) -> None:
        """Replace an operator that stands between two operands."""
        start, end = self.span(left)[1], self.span(right)[0]
        place = re.search(re.escape(old), self.text[start:end])
        if place:
            self.add(operator, start + place.start(), start + place.end(), new)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.keyword) and node.arg == "strict"):
            return
        effort = node.value if isinstance(node, ast.Assign) else node.test if isinstance(node, ast.While) else None
        if effort is not None and any(isinstance(one, ast.Name) and one.id in EFFORT for one in ast.walk(effort)):
            return
        if isinstance(node, ast.AnnAssign):
            if node.value:
                self.visit(node.value)
            return
        if isinstance(node, ast.FunctionDef):  # inside of the function
            self.of(node)
            return
        handler = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if handler is not None:
            handler(node)
        for child in self._children(node):
            self.visit(child)

    def _children(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.Call) and _called(node) in MESSAGES:
            yield from node.args[:1]
        elif isinstance(node, ast.Call) and _called(node) in ("cast", "TypeVar"):
            yield from node.args[1:]
        else:
            yield from ast.iter_child_nodes(node)

    def on_compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            for index, new in enumerate(COMPARED[type(op)]):
                self.between(left, right, _symbol(op), "direction" if index else "strictness", new)

    def on_binop(self, node: ast.BinOp) -> None:
        if type(node.op) in OPERATORS:
            self.between(node.left, node.right, _symbol(node.op), "operator", OPERATORS[type(node.op)])
        elif isinstance(node.op, ast.FloorDiv):
            start, end = self.span(node)
            left, right = (self.text[slice(*self.span(one))] for one in (node.left, node.right))
            self.add("round", start, end, f"(-(-({left}) // ({right})))")

    def on_augassign(self, node: ast.AugAssign) -> None:
        if type(node.op) in OPERATORS:
            self.between(node.target, node.value, _symbol(node.op) + "=", "operator", OPERATORS[type(node.op)] + "=")

    def on_unaryop(self, node: ast.UnaryOp) -> None:
        start, symbol = self.span(node)[0], _symbol(node.op)
        self.add(f"drop {symbol}", start, start + len(symbol), "")

    def on_boolop(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between(left, right, old, "operator", new)

    def on_constant(self, node: ast.Constant) -> None:
        start, end = self.span(node)
        if isinstance(node.value, bool):
            self.add("swap", start, end, str(not node.value))
        elif isinstance(node.value, int):
            for new in (node.value + 1, node.value - 1):
                if new >= 0:
                    self.add("number", start, end, str(new))

    def on_name(self, node: ast.Name) -> None:
        if node.id in SWAPPED and isinstance(node.ctx, ast.Load):
            self.add("swap", *self.span(node), SWAPPED[node.id])

    def on_attribute(self, node: ast.Attribute) -> None:
        _, end = self.span(node)
        if node.attr in SWAPPED and isinstance(node.ctx, ast.Load):
            self.add("swap", end - len(node.attr), end, SWAPPED[node.attr])

    def on_call(self, node: ast.Call) -> None:
        if _called(node) in ("abs", "absolute"):
            self.add("drop absolute", *self.span(node.func), "")

    def on_if(self, node: ast.If) -> None:
        self._condition(node.test)

    def on_ifexp(self, node: ast.IfExp) -> None:
        self._condition(node.test)

    def on_raise(self, node: ast.Raise) -> None:
        self.add("drop refusal", *self.span(node), "pass")

    def on_expr(self, node: ast.Expr) -> None:
        called = _called(node.value) if isinstance(node.value, ast.Call) else ""
        if called.lstrip("_").startswith("check") and called not in EFFORT:
            self.add("drop refusal", *self.span(node), "pass")

    def _condition(self, test: ast.expr) -> None:
        if not any(isinstance(one, ast.Compare | ast.BoolOp | ast.UnaryOp) for one in ast.walk(test)):
            start, end = self.span(test)
            self.add("condition", start, end, f"not ({self.text[start:end]})")


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _symbol(op: ast.AST) -> str:
    return {
        ast.Add: "+", ast.Sub: "-", ast.BitAnd: "&", ast.BitOr: "|", ast.LShift: "<<", ast.RShift: ">>", ast.Lt: "<",
        ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in",
        ast.Is: "is", ast.IsNot: "is not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not",
    }[type(op)]  # fmt: skip
