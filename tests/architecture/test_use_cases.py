"""Every use case and awkward life has its test, over Kafka, on both databases."""

import ast
import re

from deploy.checks import ROOT

PAGE = (ROOT / "docs" / "use-cases.md").read_text()
FOLDER = ROOT / "tests" / "system"
ON_BOTH = {"system", "moved", "whole"}  # fixtures that are there once for each database


def test_every_use_case_and_life_names_a_test_that_is_run_on_both_databases() -> None:
    rows = re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)
    named = re.findall(r"`(\w+\.py)::(\w+)` \|$", PAGE, re.MULTILINE)
    assert len(named) == len(rows) - 4, "but for the heads of two tables"
    for file, name in named:
        tests = {
            node.name: {one.arg for one in node.args.args}
            for node in ast.parse((FOLDER / file).read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        assert tests.get(name, set()) & ON_BOTH, f"{file}::{name}"


def test_the_twenty_use_cases_and_the_twenty_five_lives_are_there() -> None:
    use_cases, _, lives = PAGE.partition("## Awkward lives")
    numbers = re.findall(r"^\| (\d+) \|", use_cases, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 21)]
    _head, _line, *rows = re.findall(r"^\|.*\|$", lives, re.MULTILINE)
    assert len(rows) == 25, "as many as the page says that there are"
    assert "twenty-five lives" in use_cases
