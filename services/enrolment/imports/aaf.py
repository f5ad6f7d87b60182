"""The ministry's directory files (AAF, Annuaire académique fédérateur): XML to rows, as it comes.

A file `ENT_<code>_Complet_<date>_Eleve_0000.xml` holds requests: add, and in a Delta also modify
and delete; each with an id and attributes of one or more values. Python's own expat reads it in
pieces; entities are refused, what is outside is never fetched, and every size has a limit.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from xml.parsers import expat

from msgspec import Struct

from services.enrolment import core
from services.enrolment.core import Guardian
from services.enrolment.imports.lines import Line
from shared.pieces import Unfit

ROOT = "ficAlimMENESR"
REQUESTS = {"addRequest": "add", "modifyRequest": "modify", "deleteRequest": "delete"}
CATEGORIES = ("categoriePersonne", "categorieStructure")
DEPTH, TEXT, VALUES = 6, 4_000, 500  # characters of a value, values of a request
NAME, SILENCE = 200, 256 << 10  # characters of a name; bytes without an element, comments too
RELATIVES = 600_000  # held until their pupils come: about 300 bytes each


class Request(Struct):
    """One request of a file. `values`: attributes to their values."""

    act: str
    category: str = ""
    id: str = ""
    values: dict[str, list[str]] = {}

    def first(self, *names: str) -> str:
        """The first value that there is of these attributes."""
        return next((one for name in names for one in self.values.get(name, ()) if one), "")


class Reader:
    """Takes a file in pieces and gives its requests. Raises Unfit for what is no such file."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._say
        self.parser.EntityDeclHandler = _no_entity
        self.depth, self.count = 0, 0
        self.request: Request | None = None
        self.attribute, self.text = "", list[str]()
        self.length = 0
        self.silent = 0
        self.done: list[Request] = []

    def feed(self, piece: bytes, last: bool = False) -> list[Request]:
        """The requests that a piece completes; the last piece ends the file."""
        self.silent += len(piece)
        try:
            self.parser.Parse(piece, last)
        except expat.ExpatError as trouble:
            what = expat.errors.messages.get(trouble.code, "broken")
            place = f"line {trouble.lineno}, column {trouble.offset}"
            raise Unfit(f"the XML cannot be read: {what} at {place}") from None
        except (ValueError, LookupError):
            raise Unfit("the XML is in an encoding that is not known here") from None
        if self.silent > SILENCE:
            raise Unfit(f"{SILENCE >> 10} KiB hold no element: {self._place()}")
        done, self.done = self.done, []
        return done

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.depth, self.silent = self.depth + 1, 0
        if self.depth == 1 and name != ROOT:
            raise Unfit(f"the XML is no AAF file: its root is not {ROOT}")
        if self.depth > DEPTH:
            raise Unfit("the XML is no AAF file: it is too deep")
        if self.depth == 2:
            if name not in REQUESTS:
                raise Unfit("the XML is no AAF file: it holds what is no request")
            self.request, self.count = Request(REQUESTS[name]), 0
        if max(map(len, (name, *attributes, *attributes.values()))) > NAME:
            raise Unfit(f"a name is longer than {NAME} characters: {self._place()}")
        if name in ("attr", "modification"):
            self.attribute = attributes.get("name", "")
        self.text, self.length = [], 0

    def _say(self, text: str) -> None:
        self.length += len(text)
        if self.length > TEXT:
            raise Unfit(f"a value is longer than {TEXT} characters: {self._place()}")
        self.text.append(text)

    def _end(self, name: str) -> None:
        self.depth -= 1
        if self.request is None:
            return
        said = "".join(self.text).strip()
        if name == "id":
            self.request.id = said
        elif name == "value":
            self._value(self.request, said)
        elif self.depth == 1:
            self._whole(self.request)
        self.text, self.length = [], 0

    def _value(self, request: Request, said: str) -> None:
        self.count += 1
        if self.count > VALUES:
            raise Unfit(f"a request has more than {VALUES} values: {self._place()}")
        if self.attribute in CATEGORIES:
            request.category = said
        else:
            request.values.setdefault(self.attribute, []).append(said)

    def _whole(self, request: Request) -> None:
        if not request.id or not request.category:
            raise Unfit(f"a request has no id or no category: {self._place()}")
        self.done.append(request)
        self.request = None

    def _place(self) -> str:
        return f"line {self.parser.CurrentLineNumber}"


def _no_entity(*_declared: Any) -> None:
    raise Unfit("the XML declares entities: an AAF file has none")


# -- requests to rows


class Directory:
    """Makes rows of requests; it holds the guardians until their pupils come. `full`: whether the
    files name everybody.
    """

    def __init__(self, full: bool) -> None:
        self.full = full
        self.relatives: dict[str, tuple[str, str, str, str]] = {}
        self.met: set[str] = set()
        self.gone: dict[str, None] = {}
        self.schools: dict[str, None] = {}

    def rows(self, requests: Sequence[Request]) -> Iterator[Line]:
        for request in requests:
            match request.category:
                case "EtabEducNat":
                    yield from self._school(request)
                case "PersRelEleve":
                    self._relative(request)
                case "Eleve":
                    yield self._pupil(request)

    def end(self) -> Iterator[Line]:
        """What can be said once all files were read: guardians who changed and whose pupils did
        not, and who is none any more; and of whole files, that these schools were told of in
        full.
        """
        if self.full:
            yield from (Line("school", {"structure": one}) for one in self.schools)
            return
        for id, (family, given, *_) in self.relatives.items():
            if id not in self.met and (family or given):
                yield Line("guardian", guardians=[Guardian(family, given, id)])
        for id in self.gone:
            yield Line("guardian", guardians=[Guardian("", "", id)])

    def _school(self, request: Request) -> Iterator[Line]:
        uai = request.first("ENTStructureUAI", "ENTEtablissementUAI")
        if request.act != "delete" and uai:
            self.schools[request.id] = None
            yield Line("structure", {"structure": request.id, "uai": uai})

    def _relative(self, request: Request) -> None:
        if len(self.relatives) + len(self.gone) >= RELATIVES:
            raise Unfit(f"more than {RELATIVES} guardians: send the files school by school")
        if request.act == "delete":
            self.gone[request.id] = None
            return
        names = (request.first("sn", "ENTPersonNomPatro"), request.first("givenName"))
        address = (request.first("ENTPersonCodePostal"), request.first("ENTPersonPays"))
        self.relatives[request.id] = (*names, *address)

    def _pupil(self, request: Request) -> Line:
        if request.act == "delete":
            return Line("gone", {"source": request.id})
        guardians = self._guardians(request)
        self.met.update(one.source for one in guardians or ())
        raw = {
            "source": request.id,
            "ine": request.first("ENTEleveINE"),
            "nom": request.first("sn", "ENTPersonNomPatro"),
            "prenom": request.first("givenName"),
            "date_naissance": request.first("ENTPersonDateNaissance"),
            "niveau": _level(request),
        }
        if structure := request.first("ENTPersonStructRattach"):
            raw["structure"] = structure
            self.schools[structure] = None
        if guardians and (address := self.relatives.get(guardians[0].source)):
            raw |= {"code_postal": address[2], "pays": address[3]}
        if request.act == "modify":
            return Line("change", {name: one for name, one in raw.items() if one}, guardians)
        return Line("pupil", raw, guardians)

    def _guardians(self, request: Request) -> list[Guardian] | None:
        """Who has parental authority, the first responsible first; by id alone where no file named
        him yet. A value is id$kinship$pays$authority$contact$payee.
        """
        if "ENTElevePersRelEleve" not in request.values:
            return None
        links = [one.split("$") for one in request.values["ENTElevePersRelEleve"] if one]
        signing = [(link[3], link[0]) for link in links if len(link) > 3 and link[3] in ("1", "2")]
        ids = dict.fromkeys(id for _, id in sorted(signing, key=lambda one: one[0]))
        nameless = ("", "", "", "")
        return [
            Guardian(*self.relatives.get(id, nameless)[:2], id)
            for id in list(ids)[: core.GUARDIANS]
        ]


def _level(request: Request) -> str:
    """The label that says the level: the course names the year of a CAP, the other all else."""
    labels = [request.first(name) for name in ("ENTEleveLibelleMEF", "ENTEleveNivFormation")]
    return next((one for one in labels if one and core.level(one)), labels[1] or labels[0])
