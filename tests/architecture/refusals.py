"""The rule that what is refused is said in French: which codes refusals have, which are said."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import filter as matching
from pathlib import Path

from tests.architecture.rules import functions, named, services, sources

# Which argument is the code of what refuses; a problem has one where a page meets it.
REFUSING = {"Refusal": 0, "NotTakenError": 0, "Unread": 0, "Unreadable": 0, "Verdict": 1}
ON_A_PAGE = {"Problem": 1}
MET_BY_PAGES = ("screens", "/imports")  # files whose problems a page tells of
NO_REFUSAL = ("applied", "duplicate", "waiting", 404)  # what is not there is told by one page
CODE = re.compile(r"[a-z]+(-[a-z]+)*")


def unsaid(root: Path) -> list[str]:
    """Codes by which something is refused and that no page of the service says in French."""
    everywhere = _said(root / "shared/pages/refusals.py")
    places = {f"services/{one}": root / f"services/{one}/pages.py" for one in services(root)}
    known = {"shared": everywhere} | {at: everywhere | _said(file) for at, file in places.items()}
    return [
        f"{place} {code} is not said in French"
        for folder, codes in known.items()
        for place, code in refusals(root, folder)
        if not matching(codes, code)
    ]


def _said(file: Path) -> set[str]:
    """The keys of BECAUSE in a file; none where there is no such file or mapping."""
    return {
        key.value
        for node in ast.parse(file.read_text() if file.exists() else "").body
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict)
        if isinstance(node.target, ast.Name) and node.target.id == "BECAUSE"
        for key in node.value.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def refusals(root: Path, folder: str) -> Iterator[tuple[str, str]]:
    """Where something is refused, and by which code, or a pattern of such codes."""
    trees = {named(root, file): ast.parse(file.read_text()) for file in sources(root, folder)}
    places = dict(REFUSING)
    for tree in trees.values():
        places |= _given_a_code(tree)
    for file, tree in trees.items():
        here = places | ON_A_PAGE if any(one in file for one in MET_BY_PAGES) else places
        for scope in (tree, *functions(tree)):
            for call in _calls(scope):
                for code in _codes(_code(call, here), tree, scope):
                    yield f"{file}:{call.lineno}", code


def _given_a_code(tree: ast.AST) -> dict[str, int]:
    """Functions that refuse by a code which they are given, and which argument it is."""
    found = {}
    for function in functions(tree):
        names = [one.arg for one in function.args.args]
        for call in _calls(function):
            code = _code(call, REFUSING)
            if isinstance(code, ast.Name) and code.id in names and names[0] != "self":
                found[function.name] = names.index(code.id)
    return found


def _calls(scope: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(scope) if isinstance(node, ast.Call)]


def _code(call: ast.Call, places: Mapping[str, int]) -> ast.expr | None:
    """The argument that is a code; None where nothing is refused."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    place = places.get(name, len(call.args))
    kept = place and call.args and getattr(call.args[0], "value", "") in NO_REFUSAL
    return None if kept or place >= len(call.args) else call.args[place]


def _codes(code: ast.expr | None, tree: ast.Module, scope: ast.AST) -> Iterable[str]:
    """Which codes an argument stands for; none where it only hands on what was read elsewhere."""
    match code:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            texts = [part.value if isinstance(part, ast.Constant) else "*" for part in parts]
            return ["".join(map(str, texts))]
        case ast.Name(id=name):
            return [*_constants(tree, name), *_of_a_table(scope, name)]
    return []


def _constants(tree: ast.Module, name: str) -> list[str]:
    """The text of a constant of a module."""
    return [
        str(node.value.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        if [one.id for one in node.targets if isinstance(one, ast.Name)] == [name]
    ]


def _of_a_table(scope: ast.AST, name: str) -> list[str]:
    """What may be a code in a function that goes over a table of them, a name for each row's."""
    loops = [node.target for node in ast.walk(scope) if isinstance(node, ast.For)]
    rows = [one for one in loops if name in {getattr(part, "id", "") for part in ast.walk(one)}]
    if not rows or isinstance(scope, ast.Module):
        return []
    texts = [getattr(node, "value", None) for node in ast.walk(scope)]
    return [text for text in texts if isinstance(text, str) and CODE.fullmatch(text)]
