"""python -m services.handover"""

import sys

from services.handover.app import build
from shared.process import main

sys.exit(main("handover", build))
