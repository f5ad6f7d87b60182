"""`python -m deploy.published`: what it writes, what it refuses to write, what it names."""

import json
import subprocess
from pathlib import Path

import pytest

from deploy import published
from deploy.published import (
    EVENTS,
    SCHEMAS,
    CannotTellError,
    at_ref,
    broken,
    committed,
    fresh,
    stale,
    write,
)
from tests.contract.places import FACTS, ROOT

RECEIVED = SCHEMAS / "delivery.laptop-received.v1.json"


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    return fresh()


def laid_out(texts: dict[Path, str], root: Path) -> None:
    assert write(texts, root) == []
    (root / SCHEMAS / "samples").mkdir()
    for name in FACTS:
        (root / SCHEMAS / "samples" / f"{name}.json").write_text("{}")


def without_school(text: str) -> str:
    schema = json.loads(text)
    del schema["properties"]["school"]
    schema["required"].remove("school")
    return json.dumps(schema)


def test_the_committed_files_are_what_the_code_generates(texts: dict[Path, str]) -> None:
    assert list(stale(texts)) == []


def test_generating_twice_gives_the_same_texts(texts: dict[Path, str]) -> None:
    assert fresh() == texts


def test_what_was_just_written_is_not_stale(texts: dict[Path, str], tmp_path: Path) -> None:
    laid_out(texts, tmp_path)
    assert list(stale(texts, tmp_path)) == []


def test_each_file_that_is_missing_differs_or_has_nothing_in_the_code_is_named(
    texts: dict[Path, str], tmp_path: Path
) -> None:
    laid_out(texts, tmp_path)
    (tmp_path / EVENTS).write_text("# Every fact\n")
    (tmp_path / RECEIVED).unlink()
    (tmp_path / SCHEMAS / "delivery.laptop-painted.v1.json").write_text("{}")
    (tmp_path / SCHEMAS / "samples" / RECEIVED.name).unlink()
    named = [one.partition(" ")[0] for one in stale(texts, tmp_path)]
    assert named == [
        str(RECEIVED),
        str(EVENTS),
        str(SCHEMAS / "delivery.laptop-painted.v1.json"),
        str(SCHEMAS / "samples" / RECEIVED.name),
    ]


def test_check_ends_with_1_and_names_the_stale_file(
    texts: dict[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(published, "fresh", lambda: texts | {EVENTS: "another page"})
    assert published.main(["check"]) == 1
    assert capsys.readouterr().err == (
        "docs/events.md is not what the code generates: run `make schemas`\n"
    )


def test_check_ends_with_0_when_nothing_is_stale(
    texts: dict[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "fresh", lambda: texts)
    assert published.main(["check"]) == 0


def test_a_schema_that_breaks_its_promise_is_not_written(
    texts: dict[Path, str], tmp_path: Path
) -> None:
    laid_out(texts, tmp_path)
    (tmp_path / EVENTS).write_text("old")
    changed = texts | {RECEIVED: without_school(texts[RECEIVED])}
    assert write(changed, tmp_path) == [f"{RECEIVED}: /properties/school: the field was removed"]
    assert (tmp_path / RECEIVED).read_text() == texts[RECEIVED]
    assert (tmp_path / EVENTS).read_text() == "old"


def test_a_snapshot_that_was_deleted_by_hand_is_written_anew(
    texts: dict[Path, str], tmp_path: Path
) -> None:
    laid_out(texts, tmp_path)
    (tmp_path / RECEIVED).unlink()
    changed = texts | {RECEIVED: without_school(texts[RECEIVED])}
    assert write(changed, tmp_path) == []
    assert committed(changed, tmp_path)[RECEIVED] == changed[RECEIVED]


def git(root: Path, *words: str) -> None:
    named = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(
        ("git", *named, *words),  # noqa: S607  git as the developer's own path has it
        cwd=root,
        check=True,
        capture_output=True,
    )


def test_a_schema_is_held_against_what_stands_at_a_git_ref(
    texts: dict[Path, str], tmp_path: Path
) -> None:
    laid_out(texts, tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Publish")
    assert list(broken(texts, at_ref("main", tmp_path))) == []
    changed = texts | {RECEIVED: without_school(texts[RECEIVED])}
    (tmp_path / RECEIVED).unlink()
    assert write(changed, tmp_path) == []
    assert list(broken(changed, at_ref("main", tmp_path))) == [
        f"{RECEIVED}: /properties/school: the field was removed"
    ]
    gone = {file: text for file, text in texts.items() if file != RECEIVED}
    assert list(broken(gone, at_ref("main", tmp_path))) == [
        f"{RECEIVED}: it was published and is gone"
    ]


def test_a_ref_that_git_does_not_know_is_told_in_a_sentence(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    with pytest.raises(CannotTellError, match="git does not tell: "):
        at_ref("no-such-branch", tmp_path)


def test_the_page_of_facts_links_to_files_that_are_there(texts: dict[Path, str]) -> None:
    for name in FACTS:
        for link in (f"schemas/{name}.json", f"schemas/samples/{name}.json"):
            assert f"](../shared/contracts/{link})" in texts[EVENTS]
            assert (ROOT / "shared" / "contracts" / link).exists()
