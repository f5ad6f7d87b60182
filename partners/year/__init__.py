"""An invented school year, played over HTTP on a running system: `python -m partners.year`."""

from partners.year.roster import parties

__all__ = ["parties"]
