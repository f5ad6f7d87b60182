"""Everything the environment may say, read once."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from shared.contracts import identifiers
from shared.contracts.identifiers import Makers

PORTS = {"tracking": 0, "ordering": 1, "delivery": 2, "repairs": 3, "handover": 4, "enrolment": 5}
ROOT = Path(__file__).parent.parent
# Where a service's policy is named, and its own where it has another than most.
POLICIES = {"handover": ("TROUSSEAU_HANDOVER_POLICY", "handover-policy.toml")}
POLICY = ("TROUSSEAU_POLICY", "repair-policy.toml")

T = TypeVar("T")


class Wrong(Exception):
    """The environment says something that cannot be: one sentence, with the variable's name."""


class Settings(Struct, frozen=True):
    """What one service needs to know of the world. `clock` is a file that holds the present moment,
    for invented years; `secret` one that holds the service's own; `management` is where device
    management answers, "" for nowhere; `address` where people reach the service; `names` the origin
    at which browsers ask who somebody is, "" for nowhere, `name_origins` whose pages may;
    `kept_days` how long persons are kept who left.
    """

    service: str
    database: str
    kafka: str
    host: str
    port: int
    home: Path
    keys: Path
    makers: Path
    policy: Path
    clock: Path | None
    log_level: str
    secret: Path
    management: str
    address: str
    master_key: Path
    erasures: Path
    names: str
    name_origins: tuple[str, ...]
    kept_days: int


def read(service: str, said: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a service. Raises Wrong."""
    home = Path(said.get("TROUSSEAU_HOME", "var")).absolute()
    first = _port(said.get("TROUSSEAU_PORT", "8000"))
    host, port = said.get("TROUSSEAU_HOST", "127.0.0.1"), first + PORTS[service]
    policy_at, default_policy = POLICIES.get(service, POLICY)
    level = said.get("TROUSSEAU_LOG", "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise Wrong(f"TROUSSEAU_LOG is {level}: say DEBUG, INFO, WARNING or ERROR")
    pages = [f"http://127.0.0.1:{first + offset}" for offset in PORTS.values()]
    return Settings(
        service=service,
        database=database_url(service, home, said.get("TROUSSEAU_DATABASE", "sqlite")),
        kafka=said.get("TROUSSEAU_KAFKA", f"127.0.0.1:{first + 92}"),
        host=host,
        port=port,
        home=home,
        keys=Path(said.get("TROUSSEAU_KEYS", str(home / "keys.json"))),
        makers=Path(said.get("TROUSSEAU_MAKERS", str(ROOT / "deploy" / "makers.csv"))),
        policy=Path(said.get(policy_at, str(ROOT / "deploy" / default_policy))),
        clock=Path(said["TROUSSEAU_CLOCK"]) if said.get("TROUSSEAU_CLOCK") else None,
        log_level=level,
        secret=Path(said.get("TROUSSEAU_SECRET", str(home / f"{service}-secret"))),
        management=_address("TROUSSEAU_MANAGEMENT", said.get("TROUSSEAU_MANAGEMENT", "")),
        address=_address(
            "TROUSSEAU_ADDRESS", said.get("TROUSSEAU_ADDRESS", f"http://{host}:{port}")
        ),
        master_key=Path(said.get("TROUSSEAU_MASTER_KEY", str(home / "master-key.json"))),
        erasures=Path(said.get("TROUSSEAU_ERASURES", str(home / "erasures.list"))),
        names=_origin("TROUSSEAU_NAMES", said.get("TROUSSEAU_NAMES", pages[-1])),
        name_origins=tuple(
            _origin("TROUSSEAU_NAME_ORIGINS", one)
            for one in said.get("TROUSSEAU_NAME_ORIGINS", " ".join(pages)).split()
        ),
        kept_days=_days("TROUSSEAU_KEPT_DAYS", said.get("TROUSSEAU_KEPT_DAYS", "365")),
    )


def _address(name: str, text: str) -> str:
    """An address of the web without its last slash; "" for none. Raises Wrong."""
    if text and (urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname):
        raise Wrong(f"{name} is {text[:80]!r}: say http://host or https://host")
    return text.rstrip("/")


def _origin(name: str, text: str) -> str:
    """An origin as browsers say it, or "". Raises Wrong."""
    parts = urlsplit(text)
    if text and (
        parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != text
    ):
        raise Wrong(f"{name} is {text!r}: an origin such as https://names.example is expected")
    return text


def _days(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:
        raise Wrong(f"{name} is {text!r}: a number of days is expected")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 32767 - 92:
        raise Wrong(
            f"TROUSSEAU_PORT is {text!r}: the first port must be between 1024 and {32767 - 92}"
        )
    return int(text)


def database_url(service: str, home: Path, said: str) -> str:
    """The service's own database: a file under home, or one
    in the PostgreSQL server that the environment names.
    """
    if said == "sqlite":
        return f"sqlite:///{home / 'db' / service}.sqlite3"
    if said.startswith("sqlite:///"):
        return said.replace("{service}", service)
    parts = urlsplit(said)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise Wrong(
            f"TROUSSEAU_DATABASE is {said.split('@')[-1]!r}: say sqlite, or postgresql://user:password@host:port/"
        )
    if "{service}" in said:
        return said.replace("{service}", service)
    return urlunsplit(parts._replace(scheme="postgresql", path=f"/trousseau_{service}"))


def clock(settings: Settings) -> Callable[[], datetime]:
    """The present moment, aware: the machine's, or what the
    clock file holds. Raises Wrong when that cannot be read.
    """
    file = settings.clock
    if file is None:
        return lambda: datetime.now(UTC)

    def moved() -> datetime:
        try:
            return datetime.fromisoformat(file.read_text().strip()).astimezone(UTC)
        except (OSError, ValueError) as problem:
            raise Wrong(f"TROUSSEAU_CLOCK: {file} holds no RFC 3339 moment ({problem})") from None

    return moved


def makers(file: Path) -> Makers:
    """The table of makers. Raises Wrong when it cannot be read."""
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            return identifiers.makers(lines)
    except (OSError, ValueError) as trouble:
        raise Wrong(f"TROUSSEAU_MAKERS: {file} is not a table of makers ({trouble})") from None


def policy(file: Path, read: Callable[[str], T]) -> T:
    """What a service's own `read` makes of the policy file. Raises Wrong when it cannot be read."""
    try:
        return read(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as trouble:
        raise Wrong(f"{file} is not a policy ({trouble})") from None


def secret(file: Path) -> bytes:
    """The service's own secret, 32 random bytes; made once, mode 0600, where the file is not there.
    Raises Wrong.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(os.urandom(32))
        found = file.read_bytes()
    except OSError as trouble:
        raise Wrong(f"TROUSSEAU_SECRET: {file} cannot be read or made ({trouble})") from None
    if len(found) < 32:
        raise Wrong(f"TROUSSEAU_SECRET: {file} holds {len(found)} bytes, 32 are needed")
    return found
