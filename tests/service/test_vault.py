"""Enrolment's keys: what is sealed opens in its place alone; the master key changed while all goes
on; and what a damaged row, an old copy, a fact on the topic tell.
"""

import re
from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Connection, select, text

from services.enrolment import register, rotation, store, vault, wrapping
from services.enrolment.imports import lines
from shared.ledger import LEDGER
from tests.builders import (
    OTHER_SCHOOL,
    SCHOOL,
    Running,
    a_record,
    wait_until,
)
from tests.pupils import a_row, a_table, loaded, said, sent, three_known

REGION = "region"


@pytest.fixture
def known(enrolment: Running) -> list[str]:
    return three_known(enrolment)


def erase(running: Running, student: str) -> httpx.Response:
    return running.ask(REGION, "POST", f"/api/people/{student}/erasure")


# -- keys


def swapped(enrolment: Running, one: str, other: str) -> None:
    """Put what is sealed of one person into another's row, where it does not open."""
    moved = text(
        "UPDATE person SET body = (SELECT body FROM person WHERE pseudonym = :other) "
        "WHERE pseudonym = :one"
    )
    names = {"one": one, "other": other}
    enrolment.write(lambda connection: connection.execute(moved, names))


def test_a_person_is_bound_to_its_row_and_each_field_to_its_place(
    enrolment: Running, known: list[str]
) -> None:
    swapped(enrolment, known[0], known[1])
    answer = enrolment.ask(REGION, "GET", f"/api/people/{known[0]}")
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")
    assert enrolment.get(REGION, f"/api/people/{known[2]}")["family_name"] == "Lévy"
    search = enrolment.page(REGION, "/people", question="Lévy", why="").text
    assert known[2] in search
    assert known[0] not in search


def test_another_school_learns_nothing_of_a_damaged_person_and_its_look_is_written_down(
    enrolment: Running, known: list[str]
) -> None:
    swapped(enrolment, known[0], known[1])
    for path in (f"/api/people/{known[0]}", f"/api/people/{known[0]}/export"):
        answer = enrolment.ask(f"school:{OTHER_SCHOOL}", "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no-such-person")
    looks = enrolment.rows("SELECT what FROM look_up WHERE what LIKE '%-refused' ORDER BY id")
    assert [what for (what,) in looks[-2:]] == ["person-refused", "export-refused"]
    answer = enrolment.ask(f"school:{SCHOOL}", "GET", f"/api/people/{known[0]}")
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged")


def test_one_damaged_person_is_that_rows_verdict_and_holds_nobody_else_back(
    enrolment: Running, known: list[str]
) -> None:
    spoilt = text("UPDATE person SET ine = body WHERE pseudonym = :one")
    enrolment.write(lambda connection: connection.execute(spoilt, {"one": known[0]}))
    table = a_table([a_row(1), a_row(4), a_row(2, nom="Martin")])
    assert loaded(enrolment, table, "?full=true") == [
        ("refused", "damaged"),
        ("applied", ""),
        ("duplicate", "already-so"),
        ("duplicate", "already-so"),
    ]
    assert "student-left" not in said(enrolment)
    assert erase(enrolment, known[0]).json()["verdict"] == "applied", "that mends it"


def test_the_master_key_is_changed_while_the_service_runs_and_old_copies_open_no_more(
    enrolment: Running, known: list[str]
) -> None:
    file = enrolment.keys.parent / "master-key.json"
    (before,) = vault.Vault(file).masters()
    vault.rotate(file)
    wait_until(lambda: before.id not in enrolment.write(wrapping.masters), "keys are wrapped anew")
    vault.retire(file, enrolment.write(wrapping.masters))
    assert before.id not in {one.id for one in vault.Vault(file).masters()}
    assert enrolment.get(REGION, f"/api/people/{known[0]}")["given_name"] == "Élise 1"
    assert loaded(enrolment, a_table([a_row(1)])) == [("duplicate", "already-so")]


def a_change_of_the_master_key(running: Running) -> None:
    """From the old one to a new one, once no key is under the old one any more."""
    file = running.keys.parent / "master-key.json"
    (old,) = vault.Vault(file).masters()
    vault.rotate(file)
    wait_until(lambda: old.id not in running.write(wrapping.masters), "keys are wrapped anew")
    vault.retire(file, running.write(wrapping.masters))


def tended(running: Running) -> None:
    """Nothing is left to wrap anew, and no key of a file that is read."""
    ring = vault.ring(vault.Vault(running.keys.parent / "master-key.json"))
    left = partial(wrapping.left, master=ring.current)
    wait_until(lambda: not running.write(left), "all keys are as they should be")


def the_keys(running: Running) -> dict[str, bytes]:
    """Every key of the service's own that it has now, in clear."""
    ring = vault.ring(vault.Vault(running.keys.parent / "master-key.json"))
    found = running.write(lambda one: wrapping.secrets(one, ""))
    return {one[0]: ring.service_key(*one) for one in found}


@pytest.mark.usefixtures("known")
def test_what_the_service_knows_after_a_change_of_the_master_key_opens_no_copy_from_before(
    enrolment: Running,
) -> None:
    path = sent(enrolment, a_table([a_row(7, nom="Canari")])).headers["Location"]
    waiting = [row[0] for row in enrolment.rows("SELECT content FROM job_piece")]
    enrolment.ended(REGION, path)
    traces = {row[0] for row in enrolment.rows("SELECT digest FROM trace")}
    before = the_keys(enrolment)
    a_change_of_the_master_key(enrolment)
    after = the_keys(enrolment)
    assert not set(before.values()) & set(after.values()), "no key of the service's is as it was"
    assert [name.split()[0] for name in after] == ["traces"], "and none of a file that is read"
    found = {row[0] for row in enrolment.rows("SELECT digest FROM trace")}
    assert len(found) == len(traces)
    assert not found & traces
    for key in after.values():
        assert vault.digest(key, "ine", "000000001AB") not in traces
        for token in b"".join(waiting).decode().split("\n")[1:-1]:
            assert lines.unsealed(key, token).trouble
    assert loaded(enrolment, a_table([a_row(1)])) == [("duplicate", "already-so")]


def test_whoever_is_looked_for_while_the_master_key_is_changed_is_found_under_both_keys(
    enrolment: Running, known: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = vault.Vault(enrolment.keys.parent / "master-key.json").masters()
    both = vault.Ring((vault.Master("new", _a_key()), old))
    monkeypatch.setattr(rotation, "AT_ONCE", 1)

    tended(enrolment)

    def half(connection: Connection) -> None:
        assert rotation.rewrap(connection, both).count == 2, "a person, and the key of traces"
        held = register.held(connection, both)
        for number, name in enumerate(known, 1):
            digests = held.digests("ine", f"{number:09d}AB")
            assert [one for _, one in store.traced(connection, digests)] == [name]
        raise UndoneError

    with pytest.raises(UndoneError):
        enrolment.write(half)


def test_a_late_write_of_an_import_takes_no_change_of_the_master_key_back(
    enrolment: Running, known: list[str]
) -> None:
    of = vault.Vault(enrolment.keys.parent / "master-key.json")
    before = enrolment.write(lambda one: store.persons(one, known[:1]))[known[0]]
    held = enrolment.write(lambda one: register.keys(one, of))
    a_change_of_the_master_key(enrolment)

    def late(connection: Connection) -> None:
        pupil = register.opened(held, before)
        marks = register.marks(pupil)
        row = register.written(held, known[0], pupil, marks, before)
        store.mend(connection, [row])
        store.trace(connection, {known[0]: register.digests(held, marks)})

    enrolment.write(late)
    assert enrolment.get(REGION, f"/api/people/{known[0]}")["given_name"] == "Élise 1"
    tended(enrolment)
    assert loaded(enrolment, a_table([a_row(1)])) == [("duplicate", "already-so")]


@pytest.mark.usefixtures("known")
def test_while_nothing_is_left_to_wrap_anew_nobody_asks_for_the_writer(enrolment: Running) -> None:
    tended(enrolment)
    if enrolment.url.startswith("sqlite"):
        asked = "EXPLAIN QUERY PLAN SELECT 1 FROM person WHERE {} {} 'x' LIMIT 1"
        plans = [
            enrolment.rows(asked.format(column, which))[0][3]
            for column in ("master", "traced")
            for which in ("<", ">")
        ]
        assert all(plan.startswith("SEARCH person USING COVERING INDEX") for plan in plans)


# -- what an erasure leaves


def test_of_an_erased_person_not_even_the_sealed_row_is_left_in_the_files_of_the_database(
    enrolment: Running, known: list[str]
) -> None:
    chosen = text("SELECT wrapped, body FROM person WHERE pseudonym = :one")
    name = {"one": known[0]}
    (kept,) = enrolment.write(lambda connection: connection.execute(chosen, name).all())
    live = Path(enrolment.url.removeprefix("sqlite:///"))

    def left() -> bool:
        if enrolment.url.startswith("postgresql"):  # which sweeps its files by itself
            return bool(enrolment.write(lambda connection: connection.execute(chosen, name).all()))
        files = [file.read_bytes() for file in live.parent.glob(f"{live.name}*")]
        return any(bytes(part) in content for part in kept for content in files)

    assert left()
    assert erase(enrolment, known[0]).json()["verdict"] == "applied"
    wait_until(lambda: not left(), "nothing of the row is left")


# -- what a fact says of the file that it came of


def test_nothing_of_a_fact_says_in_which_row_its_student_stood(enrolment: Running) -> None:
    count = 300
    loaded(enrolment, a_table([a_row(number) for number in range(1, count + 1)]))
    rows = select(LEDGER).where(LEDGER.c.type.is_not(None)).order_by(LEDGER.c.position)
    told = [a_record(row) for row in enrolment.write(lambda one: one.execute(rows).all())]
    assert len(told) == count
    for record in told:
        headers = dict(record.headers)
        assert re.fullmatch(rb".*/[0-9a-f]{32}", headers.pop("ce_causationid"))
        assert not [one for one in headers.values() if re.search(rb"/\d{1,4}$", one)]
        assert set(msgspec.json.decode(record.value)) <= {"school", "level", "school_year", "type"}
    assert len({dict(record.headers)["ce_causationid"] for record in told}) == count
    found = enrolment.write(lambda one: store.persons(one, [_whom(one) for one in told]))
    held = enrolment.write(
        lambda one: register.keys(one, vault.Vault(enrolment.keys.parent / "master-key.json"))
    )
    places = [int(register.opened(held, found[_whom(one)]).ine[:9]) for one in told]
    assert sorted(places) == list(range(1, count + 1))
    assert places != sorted(places), "nor does their order"


def _whom(record: Any) -> str:
    name: str = record.key.decode().removeprefix("student:")
    return name


def test_an_old_master_key_is_not_taken_away_while_it_wraps_something(tmp_path: Path) -> None:
    file = tmp_path / "master-key.json"
    vault.make(file)
    (old,) = vault.Vault(file).masters()
    vault.rotate(file)
    with pytest.raises(vault.Locked, match="3 keys are still under an old"):
        vault.retire(file, {old.id: 3})
    assert len(vault.Vault(file).masters()) == 2
    vault.retire(file, {})
    assert len(vault.Vault(file).masters()) == 1


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (None, 0o600, "there is no master key"),
        (b"[]", 0o600, "holds no master key of 256 bits"),
        (b'[{"id":"a","key":"AAAA"}]', 0o600, "holds no master key of 256 bits"),
        (b"{", 0o600, "no file of master keys"),
        (b"[]", 0o644, "can be read by others: chmod 600"),
    ],
)
def test_a_file_of_master_keys_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, content: bytes | None, mode: int, told: str
) -> None:
    file = tmp_path / "master-key.json"
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(vault.Locked, match=told):
        vault.Vault(file).masters()


def test_a_change_of_the_master_key_that_was_cut_off_goes_on_where_it_was(
    enrolment: Running, known: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = vault.Vault(enrolment.keys.parent / "master-key.json").masters()
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    both = vault.Ring((vault.Master("new", _a_key()), old))

    tended(enrolment)

    def part(connection: Connection) -> int:
        """As much as one transaction does; undone, for the service knows the old key alone."""
        before = rotation.rewrap(connection, both)
        told = [register.opened(register.Keys(both, b""), row) for row in _rows(connection, known)]
        assert len(told) == len(known), "each opens under the key that wraps it now"
        after = rotation.rewrap(connection, both)
        assert (before.count, after.count) == (2, 1), "a person and the key of traces; a person"
        assert wrapping.masters(connection) == {"new": 4, old.id: 2}, "one, and the older traces"
        rotation.rewrap(connection, both)
        rotation.rewrap(connection, both)
        assert wrapping.masters(connection) == {"new": 4}
        raise UndoneError

    with pytest.raises(UndoneError):
        enrolment.write(part)


class UndoneError(Exception):
    """A transaction is not to be committed."""


def _a_key() -> str:
    return b64encode(vault.new_key()).decode()


def _rows(connection: Connection, names: list[str]) -> list[store.Person]:
    return list(store.persons(connection, names).values())
