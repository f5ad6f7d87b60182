"""Who plays: 353 invented lycées in real towns, a supplier, two carriers, a repair desk. Pure.

The roster is the same for every seed and size. Names and numbers of the schools are invented: the
ministry gives none above 4000 in these départements.
"""

from functools import cache

from msgspec import Struct

from partners.year.spelling import uai

SUPPLIER = "hexalog"
DESK = "atelier"


class Town(Struct, frozen=True):
    """A town by its INSEE code and one of its postcodes."""

    name: str
    insee_code: str
    postcode: str


class School(Struct, frozen=True):
    """An invented lycée. `department` has two digits; `weight` is its share of the laptops."""

    uai: str
    name: str
    kind: str
    sector: str
    academy: str
    department: str
    town: Town
    weight: int


class Department(Struct, frozen=True):
    """A département: académie, carrier that serves it, how many lycées are invented, towns."""

    academy: str
    carrier: str
    schools: int
    towns: tuple[Town, ...]


def _towns(*lines: str) -> tuple[Town, ...]:
    return tuple(Town(*line.split("|")) for line in lines)


DEPARTMENTS = {
    "57": Department(
        "Nancy-Metz",
        "transalsace",
        68,
        _towns(
            "Metz|57463|57000",
            "Thionville|57672|57100",
            "Forbach|57227|57600",
            "Sarreguemines|57631|57200",
            "Sarrebourg|57630|57400",
            "Saint-Avold|57606|57500",
        ),
    ),
    "67": Department(
        "Strasbourg",
        "transalsace",
        58,
        _towns(
            "Strasbourg|67482|67000",
            "Haguenau|67180|67500",
            "Sélestat|67462|67600",
            "Saverne|67437|67700",
            "Obernai|67348|67210",
            "Wissembourg|67544|67160",
        ),
    ),
    "54": Department(
        "Nancy-Metz",
        "rapidest",
        51,
        _towns(
            "Nancy|54395|54000", "Lunéville|54329|54300", "Toul|54528|54200", "Longwy|54323|54400"
        ),
    ),
    "68": Department(
        "Strasbourg",
        "transalsace",
        43,
        _towns(
            "Mulhouse|68224|68100",
            "Colmar|68066|68000",
            "Guebwiller|68112|68500",
            "Altkirch|68004|68130",
        ),
    ),
    "88": Department(
        "Nancy-Metz",
        "rapidest",
        31,
        _towns("Épinal|88160|88000", "Saint-Dié-des-Vosges|88413|88100", "Remiremont|88383|88200"),
    ),
    "51": Department(
        "Reims",
        "rapidest",
        30,
        _towns("Reims|51454|51100", "Châlons-en-Champagne|51108|51000", "Épernay|51230|51200"),
    ),
    "08": Department(
        "Reims",
        "rapidest",
        20,
        _towns("Charleville-Mézières|08105|08000", "Sedan|08409|08200", "Rethel|08362|08300"),
    ),
    "10": Department(
        "Reims",
        "rapidest",
        19,
        _towns("Troyes|10387|10000", "Romilly-sur-Seine|10323|10100", "Bar-sur-Aube|10033|10200"),
    ),
    "52": Department(
        "Reims",
        "rapidest",
        17,
        _towns("Chaumont|52121|52000", "Saint-Dizier|52448|52100", "Langres|52269|52200"),
    ),
    "55": Department(
        "Nancy-Metz",
        "rapidest",
        16,
        _towns("Bar-le-Duc|55029|55000", "Verdun|55545|55100", "Commercy|55122|55200"),
    ),
}

# 37 of them, a prime: no town has two schools of one name.
NAMES = (
    "des Mirabelliers",
    "du Grand-Tilleul",
    "de la Cigogne",
    "des Trois-Ponts",
    "du Val-Clair",
    "des Houblons",
    "de la Source",
    "du Vieux-Moulin",
    "des Bleuets",
    "du Chardon",
    "de la Verrerie",
    "des Forges",
    "du Canal",
    "de la Colline",
    "des Aubépines",
    "du Colombier",
    "des Quatre-Vents",
    "de la Roseraie",
    "du Pressoir",
    "des Peupliers",
    "de l'Écluse",
    "du Haut-Bois",
    "des Charmes",
    "de la Cristallerie",
    "du Belvédère",
    "des Érables",
    "de la Rotonde",
    "du Grand-Pré",
    "des Coteaux",
    "de la Fontaine-Ronde",
    "du Pont-Neuf",
    "des Glycines",
    "de l'Arboretum",
    "du Faubourg",
    "des Tisserands",
    "de l'Horloge",
    "des Bateliers",
)
KINDS = ("LEGT", "LPO", "LEGT", "LP")


def _school(code: str, number: int) -> School:
    department = DEPARTMENTS[code]
    return School(
        uai=uai(f"0{code}{9001 + number}"),
        name=f"Lycée {NAMES[(number * 5 + int(code)) % len(NAMES)]}",
        kind=KINDS[number % len(KINDS)],
        sector="privé sous contrat" if number % 6 == 5 else "public",
        academy=department.academy,
        department=code,
        town=department.towns[number % len(department.towns)],
        weight=70 + number * 37 % 90,
    )


@cache
def schools() -> tuple[School, ...]:
    """All 353 lycées, so ordered that the first few are spread over the region like the whole."""
    placed = [
        ((number + 0.5) / department.schools, code, _school(code, number))
        for code, department in DEPARTMENTS.items()
        for number in range(department.schools)
    ]
    return tuple(school for _, _, school in sorted(placed, key=lambda place: place[:2]))


def playing(laptops: int) -> tuple[School, ...]:
    """The lycées of a year with so many laptops: about 130 each, four at least."""
    return schools()[: max(4, laptops // 130)]


def carrier_of(school: School) -> str:
    """The party that delivers to a school."""
    return f"carrier:{DEPARTMENTS[school.department].carrier}"


def parties() -> list[str]:
    """Everybody who needs a key to play a year of any size."""
    carriers = sorted({f"carrier:{department.carrier}" for department in DEPARTMENTS.values()})
    lycees = [f"school:{school.uai}" for school in schools()]
    return ["region", "ops", f"supplier:{SUPPLIER}", *carriers, f"desk:{DESK}", *lycees]
