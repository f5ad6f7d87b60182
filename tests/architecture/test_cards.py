"""A service's card, the docstring of its package, says what it says and hears: as the code does."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest

from deploy.checks import ROOT
from shared.decisions import Core
from shared.hearing import tag
from tests.architecture import rules
from tests.architecture.planting import a_copy

SERVICES = rules.services(ROOT)


def unversioned(fact: type) -> str:
    """`delivery.laptop-received` for the wire name `delivery.laptop-received.v1`."""
    return tag(fact).rpartition(".")[0]


def published() -> Mapping[str, set[str]]:
    """What each publisher says, without its own name and without versions."""
    modules = {
        name: importlib.import_module(f"shared.contracts.{name}")
        for name in SERVICES
        if (ROOT / "shared" / "contracts" / f"{name}.py").exists()
    }
    return {
        name: {unversioned(fact).partition(".")[2] for fact in get_args(module.Fact)}
        for name, module in modules.items()
    }


def hears(service: str) -> set[str]:
    """What a service's consumer reacts to; nothing where it has none."""
    if not (ROOT / "services" / service / "consumer.py").exists():
        return set()
    consumer = importlib.import_module(f"services.{service}.consumer")
    types = consumer.TYPES if service == "tracking" else consumer.REACTIONS
    return {unversioned(fact) for fact in types}


@pytest.mark.parametrize("service", SERVICES)
def test_a_card_says_what_the_code_says_and_hears(service: str) -> None:
    said = published()

    assert rules.wrong_card(ROOT, service, said.get(service, set()), hears(service), said) == []


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("laptop-received, ", "delivery's card does not say laptop-received"),
        ("ordering.laptop-announced", "delivery's card does not hear ordering.laptop-announced"),
    ],
)
def test_a_card_that_leaves_something_out_is_found(word: str, told: str, tmp_path: Path) -> None:
    card = a_copy(tmp_path, "services/delivery/__init__.py") / "services/delivery/__init__.py"
    card.write_text(card.read_text().replace(word, ""))
    said = published()

    found = rules.wrong_card(tmp_path, "delivery", said["delivery"], hears("delivery"), said)

    assert told in found


def test_a_card_that_promises_too_much_is_found(tmp_path: Path) -> None:
    card = a_copy(tmp_path, "services/ordering/__init__.py") / "services/ordering/__init__.py"
    card.write_text(card.read_text().replace("Says: ", "Says: laptop-sold, "))
    said = published()

    found = rules.wrong_card(tmp_path, "ordering", said["ordering"], hears("ordering"), said)

    assert found == ["ordering never says laptop-sold"]


def core_of(service: str) -> Core:
    """A service's core; of one that is made of a policy, under an empty one."""
    module = importlib.import_module(f"services.{service}.core")
    made: Core = module.CORE if hasattr(module, "CORE") else module.core(module.Policy((), ()))
    return made


def test_a_core_says_the_facts_of_its_own_contract_and_no_others() -> None:
    for service in SERVICES:
        if service != "tracking":
            core = core_of(service)
            contract = importlib.import_module(f"shared.contracts.{service}")
            assert core.publisher == service
            assert set(get_args(core.facts)) == set(get_args(contract.Fact))
