"""A service that lets a party ask as often as it likes, for a test that plays years in a minute.

python -m tests.unpaced ordering
"""

import runpy
import sys

from shared import serving

if __name__ == "__main__":
    serving.BURST = 1e9
    name = sys.argv.pop(1)
    runpy.run_module(f"services.{name}", run_name="__main__", alter_sys=True)
