"""The keys that the parties of a trial come in with, in a file for the home's owner alone."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from shared import access


def make(keys: Path, trial_keys: Path, parties: Sequence[str]) -> dict[str, str]:
    """The key of every party. Those in `trial_keys` that still open are kept, the others are made.

    `keys` is the services' own file and holds hashes only; `trial_keys` is written with mode 0600.
    """
    known = {key: held.party for key, held in access.load(keys).items()}
    kept = {
        party: key
        for party, key in _read(trial_keys).items()
        if known.get(access.hashed(key)) == party
    }
    missing = [party for party in parties if party not in kept]
    if missing:
        kept |= access.issue(keys, missing)
    _write(trial_keys, kept)
    return kept


def _read(trial_keys: Path) -> dict[str, str]:
    if not trial_keys.exists():
        return {}
    try:
        return msgspec.json.decode(trial_keys.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError:
        # Cut short by a crash, or edited: the keys in it are lost, and new ones cost nothing.
        return {}


def _write(trial_keys: Path, held: dict[str, str]) -> None:
    fresh = trial_keys.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(held), indent=1))
    fresh.replace(trial_keys)
