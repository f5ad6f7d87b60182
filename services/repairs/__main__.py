"""python -m services.repairs"""

import sys

from services.repairs.app import build
from shared.process import main

sys.exit(main("repairs", build))
