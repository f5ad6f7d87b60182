"""Issue a key to every party of an invented school year and print them as one JSON object.

Their hashes go into the file that TROUSSEAU_KEYS names.

    TROUSSEAU_KEYS=var/keys.json python -m deploy.image.trial_keys > var/trial-keys.json
"""

import argparse
import sys

import msgspec

from partners.year import parties
from shared import access, settings

DAYS = 90


def main() -> int:
    """Hashes go into the services' own file; the keys themselves go to standard output, once.

    0, or 1 with a sentence where that file cannot be written.
    """
    argparse.ArgumentParser(
        prog="python -m deploy.image.trial_keys",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    try:
        issued = access.issue(settings.read("tracking").keys, parties(), DAYS)
    except (settings.Wrong, OSError) as trouble:
        sys.stderr.write(f"No keys were made: {trouble}\n")
        return 1
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(issued), indent=1) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
