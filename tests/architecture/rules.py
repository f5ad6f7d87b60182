"""The house rules that no tool knows. Each answers what breaks it: sentences that name a place."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

CODE = ("services", "shared", "partners", "deploy", "benchmarks")

MOST_LINES = 400
MOST_LINES_OF_TESTS = 600  # a table of cases is read by the line, not as a whole
ARGUED_LINES = {
    # One loop over records, from assignment to commit: a part of it means nothing without the rest.
    "shared/listening.py": 500,
    # All that a publisher says stands in one module, a fact after the other.
    "shared/contracts/handover.py": 460,
    "shared/contracts/repairs.py": 420,
}
MOST_LINES_OF_A_FUNCTION = 40  # without the functions inside it, which count for themselves

# What there is, rounded up; docs/decisions/0008 says what for.
SHARED_BUDGET = 5_900

BANNED = frozenset(
    {"manager", "helper", "helpers", "util", "utils", "base", "abstract", "impl", "data", "info"}
)
# Called so by SQLAlchemy; the notation that has 32 digits.
NAMES_OF_OTHERS = frozenset({"load_dialect_impl", "base_32"})

SERVICES = "ordering|delivery|repairs|handover|enrolment|tracking"
DOMAIN = re.compile(
    r"\b(laptops?|students?|schools?|pupils?|shipments?|carriers?|suppliers?|desks?|repairers?"
    r"|lots?|warranty|charters?|custody|sleeves?|serials?|sscc|uai|makers?|admissions?"
    rf"|hand[ -_]outs?|{SERVICES})\b"
)
# Where the environment is read, the services and the file of makers have to be named.
MAY_SAY = {
    "shared/settings.py": re.compile(rf"{SERVICES}|makers?"),
    "shared/asking.py": re.compile("makers?"),
}

FILES = {
    "__init__", "__main__", "app", "core", "intake", "consumer", "store",
    "pages", "imports", "screens", "showing", "shown", "migrations", "templates",
    "events", "register", "epcis", "gauges", "management", "papers", "vault",
    "rotation", "wrapping",
}  # fmt: skip
FILES_OF_TRACKING = FILES - {"core"} | {
    "fold", "ending", "mending", "boards", "lists", "sentences", "words", "stations", "unusual",
}  # fmt: skip
NEEDED = {"__init__", "__main__", "app", "intake", "store", "migrations"}

SECTIONS = ("Context", "Choice", "Rejected")


def sources(root: Path, *folders: str) -> Iterator[Path]:
    """Python files, without migrations: those are written once and never read again."""
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            inside = file.relative_to(root)
            if "target" not in inside.parts and not re.match(r"\d{4}_", file.name):
                yield file


def named(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()


# -- sizes


def long_files(root: Path) -> list[str]:
    """Files that are longer than can be argued for."""
    found = []
    for file in sources(root, *CODE, "tests"):
        name, lines = named(root, file), len(file.read_text().splitlines())
        most = ARGUED_LINES.get(name, MOST_LINES)
        if lines > (MOST_LINES_OF_TESTS if name.startswith("tests/") else most):
            found.append(f"{name} has {lines} lines: split it by meaning")
    return found


def long_functions(root: Path) -> list[str]:
    """Functions that are longer than a screen; a table of routes is read by the line."""
    return [
        f"{named(root, file)}:{node.lineno} {node.name} has {lines} lines"
        for file in sources(root, *CODE)
        for node in functions(ast.parse(file.read_text()))
        if (lines := own_lines(node)) > MOST_LINES_OF_A_FUNCTION
        and not re.fullmatch(r"\w*routes", node.name)
    ]


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def own_lines(node: Function) -> int:
    """A function's lines without those of functions inside it."""
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, Function)]
    return whole - sum((child.end_lineno or child.lineno) - child.lineno + 1 for child in inner)


def over_budget(root: Path) -> list[str]:
    """Whether shared/ without contracts and pages has grown past its budget."""
    own = [
        file
        for file in sources(root, "shared")
        if file.relative_to(root).parts[1] not in ("contracts", "pages")
    ]
    lines = sum(len(file.read_text().splitlines()) for file in own)
    if lines <= SHARED_BUDGET:
        return []
    return [f"shared/ has {lines} lines without contracts and pages, its budget is {SHARED_BUDGET}"]


# -- words


def banned_names(root: Path) -> list[str]:
    """Classes, functions and files with a name that says nothing."""
    found = []
    for file in sources(root, *CODE, "tests"):
        place = named(root, file)
        said = [(1, part) for part in Path(place).with_suffix("").parts]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef | Function):
                said.append((node.lineno, node.name))
        bad = [(line, name) for line, name in said if name not in NAMES_OF_OTHERS]
        found += [f"{place}:{line} {name}" for line, name in bad if BANNED & words(name)]
    return found


def words(name: str) -> set[str]:
    """The words of a name in either spelling: `open_database`, `KeptRecord`."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


IGNORE = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])(.*)")


def unexplained_ignores(root: Path) -> list[str]:
    """Where a tool is told to look away without a word why, there or on the line above."""
    found = []
    for file in sources(root, *CODE, "tests"):
        if "architecture" in file.parts:
            continue  # these speak of ignores
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines):
            ignoring = IGNORE.search(line)
            above = lines[number - 1].partition("# ")[2] if number else ""
            if ignoring and not re.search(r"[a-z]{3}", ignoring[1] + above):
                found.append(f"{named(root, file)}:{number + 1} does not say why")
    return found


def domain_words(root: Path) -> list[str]:
    """Words of the domain in the names and texts of shared/, outside contracts and pages.

    What is said in a docstring or a comment is an example, and may be.
    """
    found = []
    for file in sources(root, "shared"):
        place = named(root, file)
        if place.startswith(("shared/contracts/", "shared/pages/")):
            continue
        allowed = MAY_SAY.get(place)
        for line, text in texts(ast.parse(file.read_text())):
            for word in DOMAIN.findall(text.lower().replace("_", " ")):
                if allowed is None or not allowed.fullmatch(word):
                    found.append(f"{place}:{line} {word}")
    return sorted(set(found))


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name and every text of a module, docstrings left out."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield node.lineno, text
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text):
                yield node.lineno, text
            case ast.ClassDef(name=text) | ast.FunctionDef(name=text):
                yield node.lineno, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
            case ast.AsyncFunctionDef(name=text):
                yield node.lineno, text


# -- services


def commits(root: Path) -> list[str]:
    """Where a service ends a transaction: only shared/ does."""
    return [
        f"{named(root, file)}:{node.lineno} {node.func.attr}()"
        for file in sources(root, "services")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback")
    ]


def services(root: Path) -> list[str]:
    """The services there are."""
    return sorted(file.parent.name for file in (root / "services").glob("*/__init__.py"))


def odd_files(root: Path) -> list[str]:
    """Files of a service that have not the name which all services share, and those it lacks."""
    found = []
    for service in services(root):
        own = {file.stem for file in (root / "services" / service).iterdir()} - {"__pycache__"}
        known = FILES_OF_TRACKING if service == "tracking" else FILES
        needed = NEEDED | ({"fold", "consumer"} if service == "tracking" else {"core"})
        found += [f"services/{service}/{name}.py is no file of a service" for name in own - known]
        found += [f"services/{service} has no {name}" for name in needed - own]
    return sorted(found)


def card(root: Path, service: str) -> Mapping[str, set[str]]:
    """What a service's card says it says and hears: `owns`, `says` and `hears` to their words."""
    tree = ast.parse((root / "services" / service / "__init__.py").read_text())
    entries = re.split(r"^(\w+): ", ast.get_docstring(tree) or "", flags=re.MULTILINE)[1:]
    return {
        name.lower(): set(re.split(r",\s+", text.strip().rstrip("."))) - {"nothing"}
        for name, text in zip(entries[::2], entries[1::2], strict=True)
        if name in ("Says", "Hears")
    }


def wrong_card(
    root: Path, service: str, says: set[str], hears: set[str], published: Mapping[str, set[str]]
) -> list[str]:
    """Where a card and the code differ. Facts are named without their version.

    `delivery.*` on a card is every fact that delivery says.
    """
    told = card(root, service)
    heard = set(told["hears"])
    for every in [name for name in heard if name.endswith(".*")]:
        heard.remove(every)
        heard |= {f"{every[:-2]}.{fact}" for fact in published[every[:-2]]}
    return [
        *(f"{service}'s card does not say {name}" for name in sorted(says - told["says"])),
        *(f"{service} never says {name}" for name in sorted(told["says"] - says)),
        *(f"{service}'s card does not hear {name}" for name in sorted(hears - heard)),
        *(f"{service} does not hear {name}" for name in sorted(heard - hears)),
    ]


# -- records


def odd_records(root: Path) -> list[str]:
    """Decision records without their three parts, or with a number or a name of another's."""
    found = []
    numbers: dict[str, str] = {}
    for file in sorted((root / "docs" / "decisions").glob("*.md")):
        if file.name == "template.md":
            continue
        number, text = file.name[:4], file.read_text()
        if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", file.name):
            found.append(f"{file.name} is not named NNNN-what-was-chosen.md")
        if number in numbers:
            found.append(f"{file.name} has the number of {numbers[number]}")
        numbers.setdefault(number, file.name)
        if not text.startswith(f"# {number} "):
            found.append(f"{file.name} does not begin with # {number} and the choice")
        for part in SECTIONS:
            said = re.search(rf"^## {part}\n+(.+)", text, flags=re.MULTILINE)
            if said is None or said[1].startswith("#"):
                found.append(f"{file.name} has no {part}")
    return found


def missing_records(root: Path) -> list[str]:
    """Records that code or documents speak of and that are not there."""
    there = {file.name[:4] for file in (root / "docs" / "decisions").glob("*.md")}
    files = [*sources(root, *CODE), *sorted((root / "docs").rglob("*.md"))]
    return [
        f"{named(root, file)} names decision {number}"
        for file in files
        for number in re.findall(r"decisions/(\d{4})", file.read_text())
        if number not in there
    ]
