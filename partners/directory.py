"""An invented directory of pupils, as the ministry's: a zip of AAF files, however many pupils.

The same seed makes the same pupils; another night makes the year go on: some moved, some left, some
are new. Nobody in it is real: names are drawn from the lists below.

    python -m partners.directory --pupils 122000 --out var/aaf.zip
    python -m partners.directory --pupils 122000 --night 1 --out var/aaf-1.zip
"""

import argparse
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import BinaryIO, NamedTuple
from xml.sax.saxutils import escape

from partners.year.roster import School, schools


def _names(*lines: str) -> tuple[str, ...]:
    return tuple(name for line in lines for name in line.split())


FIRST = _names(
    "Adam Alice Ambre Anaïs Arthur Aylin Baptiste Camille Chloé Clément Éléonore Élias Élise",
    "Emma Enzo Ethan Fatima Gabriel Hugo Inès Jade Jean-Baptiste Jules Juliette Kenza Léa Léo",
    "Léonie Lina Lou Louis Louise Lucas Manon Mathis Mehdi Mila Mohamed Nathan Noé Nora Océane",
    "Paul Quentin Raphaël Rayan Romane Rose Salomé Sarah Sofia Théo Timéo Tom Yanis Zoé",
)
LAST = _names(
    "ADAM ANDRÉ AUBRY BECKER BERNARD BERTRAND BLANC BONNET BOYER CHEVALIER CLAUDE CLÉMENT COLIN",
    "DAVID DENIS DIDIER DUBOIS DUPONT DURAND FISCHER FOURNIER FRANÇOIS GARCIA GARNIER GAUTHIER",
    "GÉRARD GIRARD GUÉRIN HENRY HUBERT JACQUOT JUNG KELLER KIEFFER KLEIN LAMBERT LAURENT",
    "LECLERC LEFÈVRE LEJEUNE LÉVY MANGIN MARCHAL MARTIN MATHIEU MEYER MICHEL MOREAU MULLER",
    "MUNSCH NICOLAS PERRIN PETIT PIERRE RENARD RICHARD RISS ROBERT ROUX SCHMITT SCHNEIDER SIMON",
    "STEINMETZ THIÉBAUT THOMAS VINCENT WAGNER WEBER WEISS YILDIZ ZIEGLER",
)
# A level as its label says it, how old pupils are who begin it, and its share of a school.
LEVELS = (
    ("SECONDE GENERALE & TECHNO YC BT", "2NDE GT", 15, 30),
    ("PREMIERE GENERALE & TECHNO YC BT", "1ERE GT", 16, 28),
    ("TERMINALE GENERALE & TECHNO YC BT", "TLE GT", 17, 27),
    ("CAP EN 2 ANS", "1CAP2 CUISINE", 15, 6),
    ("CAP EN 2 ANS", "2CAP2 CUISINE", 16, 5),
    ("3EME PREPA-METIERS", "3EME PREPA-METIERS", 14, 4),
)
LETTERS = "ABCDEFGHJK"
PART = 20_000  # pupils of one file
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE ficAlimMENESR SYSTEM "ficAlimMENESR.dtd">\n<ficAlimMENESR>\n'
)
TAIL = "</ficAlimMENESR>\n"
# Of a thousand pupils, how many are gone, elsewhere, new after a night.
GONE, ELSEWHERE, NEW = 3, 4, 2


class Pupil(NamedTuple):
    """A pupil. `guardians`: ids of one or two."""

    number: int
    family: str
    given: str
    born_on: date
    school: int
    level: int
    guardians: tuple[int, ...]


def pupils(count: int, seed: int, night: int, lycees: Sequence[School]) -> Iterator[Pupil]:
    """Who is in the directory on a night; 0: the first. Each is drawn by himself, so that no more
    than one is held.
    """
    weights = [school.weight for school in lycees]
    for number in range(count + night * (count * NEW // 1000)):
        own = Random(f"{seed} {number}")  # noqa: S311  invented, not secret
        pupil = drawn(own, number, own.choices(range(len(lycees)), weights)[0])
        fate = own.randrange(1000) - night * GONE
        later = own.randrange(1000) - night * ELSEWHERE
        if night and fate < 0:
            continue
        if night and later < 0:
            pupil = pupil._replace(school=(pupil.school + 1) % len(lycees))
        yield pupil


def drawn(own: Random, number: int, school: int) -> Pupil:
    """A pupil of a school, with a level, names and a birth date by lot."""
    level = own.choices(range(len(LEVELS)), [level[3] for level in LEVELS])[0]
    born = date(2020 - LEVELS[level][2], 1, 1) + timedelta(days=own.randrange(365))
    family = own.choice(LAST)
    if own.random() < 0.08:
        family = f"{family}-{own.choice(LAST)}"
    signing = (2 * number, 2 * number + 1)[: own.choice((1, 2, 2, 2))]
    return Pupil(number, family, own.choice(FIRST), born, school, level, signing)


def ine(number: int) -> str:
    """A number of the right shape, another for each below 10^11; of old pupils the old one."""
    rest, last = divmod(number, 10)
    if number % 9 == 0:
        return f"{rest:010d}{LETTERS[last]}"
    return f"{rest // 10:09d}{LETTERS[rest % 10]}{LETTERS[last]}"


def request(category: str, kind: str, id: str, values: dict[str, Sequence[str]]) -> str:
    """One request to add something."""
    told = "".join(
        f'<attr name="{name}">{"".join(f"<value>{escape(one)}</value>" for one in of)}</attr>\n'
        for name, of in values.items()
    )
    return (
        f'<addRequest>\n<operationalAttributes><attr name="{category}"><value>{kind}</value>'
        f"</attr></operationalAttributes>\n<identifier><id>{id}</id></identifier>\n<attributes>\n"
        f"{told}</attributes>\n</addRequest>\n"
    )


def of_school(place: int, school: School) -> str:
    id = str(9000 + place)
    return request(
        "categorieStructure",
        "EtabEducNat",
        id,
        {
            "ENTStructureJointure": [id],
            "ENTStructureUAI": [school.uai],
            "ENTStructureNomCourant": [f"LYCEE {school.uai}"],
            "ENTStructureTypeStruct": ["LYCEE ENSEIGNT GENERAL ET TECHNOLOGIQUE"],
            "ENTEtablissementMinistereTutelle": ["MINISTERE DE L'EDUCATION NATIONALE"],
        },
    )


def of_pupil(pupil: Pupil) -> str:
    label, course, *_ = LEVELS[pupil.level]
    links = [f"{4_000_000 + id}$1$0${1 + place}$1$0" for place, id in enumerate(pupil.guardians)]
    id = str(1_000_000 + pupil.number)
    return request(
        "categoriePersonne",
        "Eleve",
        id,
        {
            "ENTPersonJointure": [id],
            "ENTPersonDateNaissance": [pupil.born_on.strftime("%d/%m/%Y")],
            "ENTPersonNomPatro": [pupil.family],
            "sn": [pupil.family],
            "givenName": [pupil.given],
            "ENTEleveINE": [ine(pupil.number)],
            "ENTElevePersRelEleve": links,
            "ENTPersonStructRattach": [str(9000 + pupil.school)],
            "ENTEleveStatutEleve": ["SCOLAIRE"],
            "ENTEleveLibelleMEF": [course],
            "ENTEleveNivFormation": [label],
            "ENTEleveRegime": ["DEMI-PENSIONNAIRE"],
        },
    )


def guardians(pupil: Pupil) -> list[tuple[int, str, str]]:
    """Who signs for a pupil: an id, a family name, a given name."""
    own = Random(pupil.number)  # noqa: S311  invented, not secret
    family = pupil.family.partition("-")[0]
    return [
        (id, family if id % 2 else own.choice(LAST), own.choice(FIRST)) for id in pupil.guardians
    ]


def postcode(pupil: Pupil, lycees: Sequence[School]) -> str:
    """Near the school; that of the Ardennes has lost its zero."""
    return f"{lycees[pupil.school].uai[1:3]}{100 + pupil.number % 890:03d}".lstrip("0")


def of_guardians(pupil: Pupil, lycees: Sequence[School]) -> str:
    told = []
    for guardian, family, given in guardians(pupil):
        id = str(4_000_000 + guardian)
        values: dict[str, Sequence[str]] = {
            "ENTPersonJointure": [id],
            "sn": [family],
            "givenName": [given],
            "ENTPersonCodePostal": [postcode(pupil, lycees)],
            "ENTPersonPays": ["FRANCE"],
        }
        told.append(request("categoriePersonne", "PersRelEleve", id, values))
    return "".join(told)


def write(file: Path, count: int, seed: int, night: int) -> int:
    """Write a whole directory as a zip; how many pupils are in it."""
    lycees, total = schools(), 0

    def parts(kind: str, told: Callable[[Pupil], str]) -> Iterator[tuple[str, Iterator[str]]]:
        nonlocal total
        everybody, total = pupils(count, seed, night, lycees), 0
        while held := list(islice(everybody, PART)):
            total += len(held)
            yield kind, (told(one) for one in held)

    def files() -> Iterator[tuple[str, Iterator[str]]]:
        yield "EtabEducNat", (of_school(*one) for one in enumerate(lycees))
        yield from parts("PersRelEleve", lambda one: of_guardians(one, lycees))
        yield from parts("Eleve", of_pupil)

    zipped(file, "Complet", date(2020, 9, 1) + timedelta(days=night), files())
    return total


def zipped(
    file: Path | BinaryIO, extent: str, day: date, files: Iterable[tuple[str, Iterable[str]]]
) -> None:
    """Write requests, by the kind of file in which they stand, as a zip of files of a day; `extent`
    says whether they name everybody (Complet) or not (Delta).
    """
    parts = Counter[str]()
    with zipfile.ZipFile(file, "w") as out:
        for kind, requests in files:
            part, parts[kind] = parts[kind], parts[kind] + 1
            name = f"ENT_GRANDEST_{extent}_{day:%Y%m%d}_{kind}_{part:04d}.xml"
            about = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            about.compress_type = zipfile.ZIP_DEFLATED
            with out.open(about, "w") as one:
                one.write(HEAD.encode())
                for request in requests:
                    one.write(request.encode())
                one.write(TAIL.encode())


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m partners.directory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pupils", type=int, default=122_000, help="how many (default 122000)")
    parser.add_argument("--seed", type=int, default=2020, help="which ones (default 2020)")
    parser.add_argument("--night", type=int, default=0, help="how many nights on (default 0)")
    parser.add_argument("--out", type=Path, required=True, help="the zip to write")
    given = parser.parse_args(words)
    count = write(given.out, given.pupils, given.seed, given.night)
    sys.stdout.write(f"{given.out}: {count} pupils\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
