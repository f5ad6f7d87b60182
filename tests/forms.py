"""The two forms of the tests: short and always the same, or long (TROUSSEAU_LONG=1) by chance."""

import os

import hypothesis

LONG = os.environ.get("TROUSSEAU_LONG") == "1"
MORE = 50  # examples in the long form for each in the short one
FAULTS_SEED = os.environ.get("TROUSSEAU_FAULTS_SEED", "2020")


def examples(short: int = 100) -> hypothesis.settings:
    """So many examples of Hypothesis in the short form, or as many as it draws by itself."""
    return hypothesis.settings(
        max_examples=short * (MORE if LONG else 1), deadline=None, derandomize=not LONG
    )
