"""python -m services.ordering"""

import sys

from services.ordering.app import build
from shared.process import main

sys.exit(main("ordering", build))
