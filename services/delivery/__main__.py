"""python -m services.delivery"""

import sys

from services.delivery.app import build
from shared.process import main

sys.exit(main("delivery", build))
