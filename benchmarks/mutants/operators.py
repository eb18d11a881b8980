"""What is changed in a source file, one thing at a time: its mutants."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = tuple[str, Callable[[ast.AST], ast.AST | None]]

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_NAMES = {
    "min": "max", "any": "all", "minimum": "maximum", "ceil": "floor", "argmin": "argmax",
    "cumsum": "cumprod", "nanmin": "nanmax",
}  # fmt: skip
_NAMES |= {value: key for key, value in _NAMES.items()}
_TRANSPARENT = {"abs", "round", "sorted", "min", "max", "minimum", "maximum", "reversed"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes
    ----------
    file : str
        Relative to the repository.
    line : int
    text : str
        The line as it is, without indentation.
    change : str
        What becomes of it.
    node, variant : int
        Which node of the file, in order, and which of the changes that it can suffer.
    """

    file: str
    line: int
    text: str
    change: str
    node: int
    variant: int


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Every mutant of a source file, in order of its nodes."""
    lines = source.splitlines()
    out = []
    for number, node in enumerate(_nodes(ast.parse(source))):
        for variant, (change, _) in enumerate(_changes(node)):
            line: int = node.lineno  # type: ignore[attr-defined]
            out.append(Mutant(file, line, lines[line - 1].strip(), change, number, variant))
    return out


def mutate(source: str, mutant: Mutant) -> ast.Module:
    """The tree of the source with that one change."""
    tree = ast.parse(source)
    target = next(node for i, node in enumerate(_nodes(tree)) if i == mutant.node)
    _, apply = list(_changes(target))[mutant.variant]
    changed = apply(copy.copy(target))
    replacement = ast.Pass() if changed is None else changed
    ast.copy_location(replacement, target)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, replacement)
            elif isinstance(value, list):
                value[:] = [replacement if item is target else item for item in value]
    return ast.fix_missing_locations(tree)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be changed: not annotations, names of the module, or what errors say."""
    if hasattr(node, "lineno"):
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "type_comment"):
            continue
        if isinstance(node, (ast.Raise, ast.JoinedStr, ast.ExceptHandler)) and name != "body":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_declaration(child):
                yield from _nodes(child)


def _is_declaration(node: ast.AST) -> bool:
    """Docstrings, imports, `__all__`, type aliases."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        is_type = name[0].isupper() and name != name.upper()
        return name == "__all__" or (is_type and isinstance(node.value, (ast.Subscript, ast.BinOp)))
    return False


def _name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _with(**fields: object) -> Callable[[ast.AST], ast.AST]:
    def apply(node: ast.AST) -> ast.AST:
        for name, value in fields.items():
            setattr(node, name, value)
        return node

    return apply


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in _COMPARISONS[type(op)]:
                    ops = [*node.ops[:i], other(), *node.ops[i + 1 :]]
                    yield _as(node, _with(ops=ops))
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _ARITHMETIC:
            yield _as(node, _with(op=_ARITHMETIC[type(node.op)]()))
        case ast.BoolOp():
            other_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield _as(node, _with(op=other_op))
            for i in range(len(node.values)):
                rest = [*node.values[:i], *node.values[i + 1 :]]
                yield _to(node, ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0])
        case ast.UnaryOp():
            yield _to(node, node.operand)
        case ast.Constant(value=bool()):
            yield _to(node, ast.Constant(not node.value))
        case ast.Constant(value=int() | float()):
            larger = node.value + 1 if isinstance(node.value, int) or not node.value else 0
            yield _to(node, ast.Constant(larger or 2 * node.value))
        case ast.If():
            for value in (True, False):
                yield f"if {value}", _with(test=ast.Constant(value))
        case ast.IfExp():
            yield _to(node, node.body)
            yield _to(node, node.orelse)
        case ast.comprehension():
            for i in range(len(node.ifs)):
                rest = [*node.ifs[:i], *node.ifs[i + 1 :]]
                yield f"without if {ast.unparse(node.ifs[i])}", _with(ifs=rest)
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Delete() | ast.Continue() | ast.Break():
            yield f"without {type(node).__name__.lower()}", lambda _: None
        case ast.Expr(value=ast.Yield()):
            return
        case ast.Call():
            yield from _changes_of_call(node)
    if isinstance(node, ast.AugAssign):
        yield f"without {ast.unparse(node)}", lambda _: None


def _changes_of_call(node: ast.Call) -> Iterator[Change]:
    name = _name(node)
    if name in _NAMES:
        function = copy.copy(node.func)
        setattr(function, "attr" if isinstance(function, ast.Attribute) else "id", _NAMES[name])
        yield _as(node, _with(func=function))
    if name in _TRANSPARENT and not any(isinstance(a, ast.Starred) for a in node.args):
        for argument in node.args[: 1 if name == "round" else None]:
            yield _to(node, argument)
    for i, keyword in enumerate(node.keywords):
        if keyword.arg:
            rest = [*node.keywords[:i], *node.keywords[i + 1 :]]
            yield f"{name}(...) without {keyword.arg}", _with(keywords=rest)


def _to(node: ast.AST, other: ast.AST) -> Change:
    return f"{ast.unparse(node)} -> {ast.unparse(other)}", lambda _: copy.deepcopy(other)


def _as(node: ast.AST, apply: Callable[[ast.AST], ast.AST]) -> Change:
    return f"{ast.unparse(node)} -> {ast.unparse(apply(copy.copy(node)))}", apply
