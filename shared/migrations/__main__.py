"""python -m shared.migrations"""

import sys

from shared.migrations import main

sys.exit(main(sys.argv[1:]))
