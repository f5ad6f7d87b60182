"""python -m services.enrolment"""

import sys

from services.enrolment.app import build
from shared.process import main

sys.exit(main("enrolment", build))
