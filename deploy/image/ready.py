"""Whether the service in this container can take work: exit 0 when it says so, 1 when not.

python -IS /app/deploy/image/ready.py 8001
"""

import sys
from http.client import HTTPConnection, HTTPException

try:
    asking = HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=3)
    asking.request("GET", "/health/ready")
    answer = asking.getresponse()
    sys.stdout.write(answer.read(300).decode(errors="replace"))
    sys.exit(answer.status != 200)
except (OSError, HTTPException) as trouble:
    sys.exit(f"it does not answer: {trouble}")
