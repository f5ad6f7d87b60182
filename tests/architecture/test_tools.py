"""That each tool of `make check` refuses what it is there for."""

import shutil
from pathlib import Path

import pytest

from deploy.checks import ROOT, steps
from tests.architecture.planting import WHOLE, a_copy, checked, plant

LINTED = {
    "a print": ('print("here")\n', "T201"),
    "a moment without a zone": ("import datetime\n\ndatetime.datetime.now()\n", "DTZ005"),
    "code in a comment": ("# value = 1\n", "ERA001"),
    "a note for later": ("# TODO: later\n", "FIX002"),
    "a name that nobody uses": ("import json\n", "F401"),
    "an ignore that ignores nothing": ("VALUE = 1  # noqa: E501\n", "RUF100"),
    "a line that is too long": (f"VALUE = {'1' * 100}\n", "E501"),
}
TYPED = {
    "a function without types": ("def bare(x):\n    return x\n", "no-untyped-def"),
    "a forgotten case": (
        "from typing import assert_never\n\n\ndef told(x: int | str) -> str:\n"
        "    match x:\n        case int():\n            return str(x)\n    assert_never(x)\n",
        "assert_never",
    ),
    "an ignore that does not say what it ignores": (
        "X: int = ''  # type: ignore\n",
        "ignore-without-code",
    ),
}


SMALL = ("services/__init__.py", "shared/__init__.py", "shared/decisions.py")


def read(tree: Path, name: str) -> str:
    return (tree / name).read_text()


@pytest.mark.parametrize("fault", LINTED)
def test_the_lint_refuses(fault: str, tmp_path: Path) -> None:
    tree = a_copy(tmp_path, *SMALL)
    assert checked("lint", tree).ended == "kept"
    text, code = LINTED[fault]
    plant(tree, {"shared/decisions.py": f"…\n\n{text}"})

    outcome = checked("lint", tree)

    assert outcome.ended == "broken"
    assert "shared/decisions.py" in outcome.said
    assert code in outcome.said


def test_the_format_refuses_a_file_that_is_laid_out_otherwise(tmp_path: Path) -> None:
    tree = a_copy(tmp_path, *SMALL)
    assert checked("format", tree).ended == "kept"
    plant(tree, {"shared/decisions.py": "…X = { 'a':1 }\n"})

    outcome = checked("format", tree)

    assert outcome.ended == "broken"
    assert "shared/decisions.py" in outcome.said


def test_the_types_refuse_what_they_are_strict_about(tmp_path: Path) -> None:
    tree = a_copy(tmp_path, *SMALL)
    for package in ("deploy", "partners", "benchmarks", "tests"):
        plant(tree, {f"{package}/__init__.py": ""})
    assert checked("types", tree).ended == "kept"
    plant(tree, {f"shared/fault_{n}.py": text for n, (text, _) in enumerate(TYPED.values())})

    outcome = checked("types", tree)

    assert outcome.ended == "broken"
    for number, (fault, (_, code)) in enumerate(TYPED.items()):
        told = [line for line in outcome.said.splitlines() if f"fault_{number}.py" in line]
        assert any(code in line for line in told), (fault, outcome.said)


@pytest.mark.parametrize(
    ("package", "code"), [("requests", "DEP003"), ("pandas", "DEP001"), ("pytest", "DEP004")]
)
def test_the_dependencies_refuse_an_import_that_is_not_declared(
    package: str, code: str, tmp_path: Path
) -> None:
    tree = a_copy(tmp_path, "services", "shared", "partners", "deploy")
    assert checked("dependencies", tree).ended == "kept"
    plant(tree, {"partners/year/post.py": f"…\nimport {package}\n"})

    outcome = checked("dependencies", tree)

    assert outcome.ended == "broken"
    assert code in outcome.said
    assert f"'{package}'" in outcome.said


def test_the_dependencies_refuse_one_that_nobody_uses(tmp_path: Path) -> None:
    tree = a_copy(tmp_path, "services", "shared", "deploy")  # partners, who use rich, are left out
    shutil.rmtree(tree / "deploy")

    outcome = checked("dependencies", tree)

    assert outcome.ended == "broken"
    assert "'rich'" in outcome.said


def test_copies_are_refused(tmp_path: Path) -> None:
    first = "services/ordering/imports.py"
    tree = a_copy(tmp_path, *SMALL, "services/ordering/__init__.py", first)
    assert checked("copies", tree).ended == "kept"
    plant(
        tree, {"services/second/__init__.py": "", "services/second/imports.py": read(tree, first)}
    )

    outcome = checked("copies", tree)

    assert outcome.ended == "broken"
    assert "==services.ordering.imports" in outcome.said
    assert "==services.second.imports" in outcome.said


def test_a_page_that_the_code_would_write_otherwise_is_refused(tmp_path: Path) -> None:
    tree = a_copy(tmp_path, *WHOLE)
    assert checked("generated", tree).ended == "kept"
    plant(tree, {"docs/events.md": "…one line by hand\n"})

    outcome = checked("generated", tree)

    assert outcome.ended == "broken"
    assert "docs/events.md" in outcome.said


def test_a_fact_that_changed_without_its_snapshot_is_refused(tmp_path: Path) -> None:
    tree = a_copy(tmp_path, *WHOLE)
    file = tree / "shared/contracts/delivery.py"
    file.write_text(file.read_text().replace("    sleeve: bool\n", ""))

    outcome = checked("generated", tree)

    assert outcome.ended == "broken"
    assert "delivery.laptop-handed-out.v1" in outcome.said


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_an_alarm_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    rule = "groups:\n  - name: x\n    rules:\n      - alert: Late\n        expr: sum by (\n"
    tree = a_copy(tmp_path)
    plant(tree, {"deploy/prometheus/rules/late.yml": rule})

    outcome = checked("alarms", tree)

    assert outcome.ended == "broken"
    assert "late.yml" in outcome.said


def test_make_check_runs_every_step_and_nothing_else() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.partition("\ncheck:")[2].partition("\n\n")[0]

    assert recipe.splitlines()[1:] == ["\t$(BIN)/python -m deploy.checks"]
    assert list(steps(ROOT)) == [
        "format", "lint", "layers", "types", "dependencies", "copies", "generated",
        "alarms", "alarm tests", "architecture",
    ]  # fmt: skip
