"""Who may import whom. The rules are in pyproject.toml; here it is seen that each of them bites."""

from pathlib import Path

import pytest

from tests.architecture.planting import a_copy, checked, plant

PYTHON = ("services", "shared", "partners", "deploy")

FORBIDDEN = {
    "a service that imports another": (
        {"services/ordering/store.py": "…\nimport services.delivery.core\n"},
        "services.ordering is not allowed to import services.delivery",
    ),
    "a store that knows its intake": (
        {"services/delivery/store.py": "…\nimport services.delivery.intake\n"},
        "services.delivery.store is not allowed to import services.delivery.intake",
    ),
    "a file of a service that no layer names": (
        {"services/ordering/common.py": ""},
        "services.ordering.common",
    ),
    "a core that talks to the database": (
        {"services/ordering/core/orders.py": "…\nimport sqlalchemy\n"},
        "services.ordering.core is not allowed to import sqlalchemy",
    ),
    "a core that gets at the database by way of something shared": (
        {"services/ordering/core/orders.py": "…\nimport shared.ledger\n"},
        "services.ordering.core is not allowed to import sqlalchemy",
    ),
    "a core with a clock": (
        {"services/ordering/core/orders.py": "…\nimport time\n"},
        "services.ordering.core is not allowed to import time",
    ),
    "a core that waits": (
        {"services/ordering/core/orders.py": "…\nimport asyncio\n"},
        "services.ordering.core is not allowed to import asyncio",
    ),
    "a fold that draws lots": (
        {"services/tracking/fold.py": "…\nimport random\n"},
        "services.tracking.fold is not allowed to import random",
    ),
    "a contract that reads the environment": (
        {"shared/contracts/envelope.py": "…\nimport os\n"},
        "shared.contracts is not allowed to import os",
    ),
    "decisions that log": (
        {"shared/decisions.py": "…\nimport logging\n"},
        "shared.decisions is not allowed to import logging",
    ),
    "something shared that knows a service": (
        {"shared/relay.py": "…\nimport services.ordering.core\n"},
        "shared is not allowed to import services",
    ),
    "something shared that knows what stands above it": (
        {"shared/ledger.py": "…\nimport shared.transact\n"},
        "shared.ledger is not allowed to import shared.transact",
    ),
    "a stray file in shared": (
        {"shared/helpers.py": ""},
        "shared.helpers",
    ),
    "a partner that knows the code behind the interface": (
        {"partners/year/post.py": "…\nimport shared.access\n"},
        "partners is not allowed to import shared",
    ),
    "a partner that knows a service": (
        {"partners/year/post.py": "…\nimport services.ordering.core\n"},
        "partners is not allowed to import services",
    ),
    "a runner that reaches into a service": (
        {"deploy/topics.py": "…\nimport services.ordering.core\n"},
        "deploy is not allowed to import services",
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return a_copy(tmp_path, *PYTHON)


def test_the_tree_keeps_its_layers(tree: Path) -> None:
    outcome = checked("layers", tree)

    assert outcome.ended == "kept", outcome.said


@pytest.mark.parametrize("fault", FORBIDDEN)
def test_the_layers_refuse(fault: str, tree: Path) -> None:
    planted, named = FORBIDDEN[fault]
    plant(tree, planted)

    outcome = checked("layers", tree)

    assert outcome.ended == "broken"
    assert named in " ".join(outcome.said.split())
