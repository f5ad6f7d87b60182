"""The rules that no tool knows: the tree keeps them, and each is seen to bite."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.checks import ROOT
from tests.architecture import refusals, rules
from tests.architecture.planting import a_copy, plant

Rule = Callable[[Path], list[str]]

LONG = "VALUE = 1\n" * 401
GIVEN_A_CODE = """def no(found, code):
    return Refusal(code, "come again")
NO = no((), "not-today")
"""
OF_A_TABLE = """def no(now):
    for is_so, code in ((now.late, "not-today"), (now.lost, "no-code")):
        if is_so: return Refusal(code, "come again")
    return Refusal(f"it-is-{now.state}", "come again")
"""
LONG_FUNCTION = "def long() -> None:\n" + "    print()\n" * 40

RULES: dict[str, tuple[Rule, dict[str, str], str]] = {
    "no file is too long": (
        rules.long_files,
        {"services/ordering/core/orders.py": LONG},
        "services/ordering/core/orders.py has 401 lines",
    ),
    "no function is too long": (
        rules.long_functions,
        {"shared/relay.py": LONG_FUNCTION},
        "shared/relay.py:1 long has 41 lines",
    ),
    "what is shared keeps its budget": (
        rules.over_budget,
        {"shared/relay.py": "VALUE = 1\n" * (rules.SHARED_BUDGET + 1)},
        "shared/ has",
    ),
    "no class has a name that says nothing": (
        rules.banned_names,
        {"shared/relay.py": "class RelayManager: ...\n"},
        "shared/relay.py:1 RelayManager",
    ),
    "no function has a name that says nothing": (
        rules.banned_names,
        {"services/ordering/core/orders.py": "def order_info() -> None: ...\n"},
        "services/ordering/core/orders.py:1 order_info",
    ),
    "no file has a name that says nothing": (
        rules.banned_names,
        {"partners/year/utils.py": ""},
        "partners/year/utils.py:1 utils",
    ),
    "whoever tells a tool to look away says why": (
        rules.unexplained_ignores,
        {"shared/relay.py": "VALUE = 1\nOTHER = 2  # noqa: N816\n"},
        "shared/relay.py:2 does not say why",
    ),
    "no name of the domain is in what is shared": (
        rules.domain_words,
        {"shared/transact.py": "def settle_shipment() -> None: ...\n"},
        "shared/transact.py:1 shipment",
    ),
    "no text of the domain is in what is shared": (
        rules.domain_words,
        {"shared/serving.py": 'DETAIL = "the laptop is unknown"\n'},
        "shared/serving.py:1 laptop",
    ),
    "nothing shared asks which service it serves": (
        rules.domain_words,
        {"shared/process.py": 'STOPS = {"ordering": 20}\n'},
        "shared/process.py:1 ordering",
    ),
    "no service commits": (
        rules.commits,
        {"services/delivery/store.py": "def save(c):\n    c.commit()\n"},
        "services/delivery/store.py:2 commit()",
    ),
    "services have the same files": (
        rules.odd_files,
        {"services/delivery/common.py": ""},
        "services/delivery/common.py is no file of a service",
    ),
    "a service has what every service has": (
        rules.odd_files,
        {"services/second/__init__.py": ""},
        "services/second has no core",
    ),
    "a decision says what was rejected": (
        rules.odd_records,
        {"docs/decisions/0999-a-choice.md": "# 0999 A\n\n## Context\nx\n\n## Choice\ny\n"},
        "0999-a-choice.md has no Rejected",
    ),
    "a part of a decision is not empty": (
        rules.odd_records,
        {"docs/decisions/0999-a-choice.md": "# 0999 A\n\n## Context\n\n## Choice\ny\n"},
        "0999-a-choice.md has no Context",
    ),
    "two decisions do not share a number": (
        rules.odd_records,
        {"docs/decisions/0001-another.md": "# 0001 Another\n"},
        "has the number of 0001",
    ),
    "a decision that is spoken of is there": (
        rules.missing_records,
        {"shared/relay.py": '"""See docs/decisions/0998."""\n'},
        "shared/relay.py names decision 0998",
    ),
    "what a core refuses is said in French": (
        refusals.unsaid,
        {"services/ordering/core/orders.py": 'NO = Refusal("not-today", "come again")\n'},
        "services/ordering/core/orders.py:1 not-today is not said in French",
    ),
    "so is a code that a function is given": (
        refusals.unsaid,
        {"services/ordering/core/orders.py": GIVEN_A_CODE},
        "services/ordering/core/orders.py:3 not-today is not said in French",
    ),
    "so is a code of a table, and one that is put together": (
        refusals.unsaid,
        {"services/handover/core/acts.py": OF_A_TABLE},
        "services/handover/core/acts.py:3 not-today is not said in French",
    ),
    "so is what a page refuses": (
        refusals.unsaid,
        {"services/delivery/screens.py": 'NO = Problem(422, "not-today", "come again")\n'},
        "services/delivery/screens.py:1 not-today is not said in French",
    ),
}


@pytest.mark.parametrize("rule", sorted({rule for rule, _, _ in RULES.values()}, key=str))
def test_the_tree_keeps(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize("name", RULES)
def test_it_is_seen_that(name: str, tmp_path: Path) -> None:
    rule, planted, told = RULES[name]
    tree = a_copy(tmp_path, "services", "shared", "partners", "docs/decisions")
    plant(tree, planted)

    assert any(told in found for found in rule(tree)), rule(tree)


@pytest.mark.parametrize("name", rules.ARGUED_LINES)
def test_a_file_that_is_argued_for_is_longer_than_others_may_be(name: str) -> None:
    assert len((ROOT / name).read_text().splitlines()) > rules.MOST_LINES


def test_a_word_of_the_domain_may_be_an_example_in_a_docstring(tmp_path: Path) -> None:
    plant(tmp_path, {"shared/transact.py": 'def settle() -> None:\n    """As of a laptop."""\n'})

    assert rules.domain_words(tmp_path) == []
