"""python -m services.tracking"""

import sys

from services.tracking.app import build
from shared.process import main

sys.exit(main("tracking", build))
