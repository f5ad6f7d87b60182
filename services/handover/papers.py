"""Papers: a certificate, and a school's list of certificates for the accounts. Pure but for fonts.

PDF by reportlab, which brings the font (Bitstream Vera) and the QR code too.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import reportlab
from msgspec import Struct
from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from services.handover.core import Campaign
from services.handover.shown import HandoverShown, SchoolNamed
from shared.pages import french
from shared.pages.tables import csv_lines

PLAIN, BOLD = "Vera", "VeraBd"
LEFT, RIGHT, TOP, BOTTOM = 25 * mm, A4[0] - 25 * mm, A4[1] - 30 * mm, 25 * mm
LEADING = 1.45
ROW = 7 * mm
# Of a certificate: where its right column begins, what lies between two rows, the height that the
# words below them take, the sizes that its rows may have.
TOLD, BETWEEN, BELOW, SIZES = LEFT + 45 * mm, 2 * mm, 118 * mm, (11.0, 10.0, 9.0, 8.0, 7.0)
ROWS, HEADING = 30, 13  # of a list: laptops on a page, the size of what stands above them


class Paper(Struct, frozen=True):
    """What a certificate says: a handover, its school, the terms of its campaign, and the address
    that confirms it.
    """

    handover: HandoverShown
    school: SchoolNamed
    terms: Campaign
    address: str


@cache
def _fonts() -> None:
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def _canvas(to: io.BytesIO, title: str) -> Canvas:
    """An empty document in French; the same words make the same bytes."""
    _fonts()
    canvas = Canvas(to, pagesize=A4, invariant=1, lang="fr-FR")
    canvas.setTitle(title)
    return canvas


def _text(
    canvas: Canvas, at: tuple[float, float], text: str, size: float = 11, font: str = PLAIN
) -> float:
    """Write text from a place on, in lines; where the next one begins."""
    x, y = at
    canvas.setFont(font, size)
    for line in _lines(text, font, size, RIGHT - x):
        canvas.drawString(x, y, line)
        y -= size * LEADING
    return y


def _lines(text: str, font: str, size: float, width: float) -> Iterator[str]:
    """Text in lines; a word that is wider than one is cut, after a hyphen where it has any."""
    for line in simpleSplit(text, font, size, width):
        rest = line
        while pdfmetrics.stringWidth(rest, font, size) > width:
            most = len(rest) - 1
            while most > 1 and pdfmetrics.stringWidth(rest[:most], font, size) > width:
                most -= 1
            cut = rest.rfind("-", 0, most) + 1 or most
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


def euros(cents: int) -> str:
    return french.typeset(f"{cents // 100},{cents % 100:02} €")


def certificate(paper: Paper) -> bytes:
    """A certificate of cession as a PDF: it says what, when and on what ground, and names nobody;
    the school writes the name in by hand.
    """
    to = io.BytesIO()
    one, terms = paper.handover, paper.terms
    number = one.certificate or ""
    canvas = _canvas(to, f"Attestation de cession {number}")
    y = _text(canvas, (LEFT, TOP), "Attestation de cession", 22, BOLD)
    y = _text(canvas, (LEFT, y), f"n° {number}", 14)
    y -= 8 * mm
    maker, _, serial = one.laptop.partition("/")
    rows = (
        ("Ordinateur", f"{one.model or maker}, numéro de série {serial}"),
        ("Lycée", paper.school.words),
        ("Établie le", french.day(one.certified_at, "fr") if one.certified_at else ""),
        ("Fondement", terms.legal_basis),
        ("Délibération", terms.deliberation),
        ("Valeur résiduelle", euros(terms.residual_value_cents)),
        ("Cédé à", "." * 60),
    )
    y = _rows(canvas, y, rows)
    y = _text(canvas, (LEFT, y - 6 * mm), CEDED)
    _text(canvas, (LEFT, y - 10 * mm), french.typeset("Pour la région, le chef d'établissement :"))
    _qr(canvas, paper.address, RIGHT - 38 * mm, BOTTOM + 8 * mm)
    _text(canvas, (LEFT, BOTTOM + 14 * mm), "Pour vérifier cette attestation :")
    _text(canvas, (LEFT, BOTTOM + 8 * mm), paper.address, 8)
    canvas.showPage()
    canvas.save()
    return to.getvalue()


def _rows(canvas: Canvas, y: float, rows: Sequence[tuple[str, str]]) -> float:
    """What is certified, from y down: as large as leaves room for what stands below. Where it ends.

    A school may be called in over 100 letters, and so may the ground on which a laptop is ceded.
    """
    room = y - BELOW
    size = next((one for one in SIZES if _height(rows, one) <= room), SIZES[-1])
    for label, told in rows:
        canvas.setFont(PLAIN, 11)
        canvas.drawString(LEFT, y, label)
        y = _text(canvas, (TOLD, y), told, size, BOLD) - BETWEEN
    return y


def _height(rows: Sequence[tuple[str, str]], size: float) -> float:
    lines = sum(len([*_lines(told, BOLD, size, RIGHT - TOLD)]) for _, told in rows)
    return lines * size * LEADING + len(rows) * BETWEEN


CEDED = french.typeset(
    "L'ordinateur désigné ci-dessus, libéré de la gestion de la région, est cédé à l'élève qui en "
    "est dépositaire et qui en devient propriétaire. La région n'en assure plus ni la garantie ni "
    "la réparation."
)


def _qr(canvas: Canvas, address: str, x: float, y: float) -> None:
    side = 38 * mm
    widget = QrCodeWidget(address, barLevel="M", barWidth=side, barHeight=side)
    drawing = Drawing(side, side)
    drawing.add(widget)
    renderPDF.draw(drawing, canvas, x, y)


COLUMNS = (
    *("certificate", "issued_at", "school", "maker", "serial", "model", "handed_over_at"),
    *("legal_basis", "deliberation", "residual_value_cents"),
)
OF_SCHOOLS = ("school_name", "school_town")


def _row(one: HandoverShown, terms: Campaign) -> tuple[str, ...]:
    maker, _, serial = one.laptop.partition("/")
    moments = (one.certified_at, one.handed_over_at)
    issued, handed = (at.isoformat() if at else "" for at in moments)
    said = (terms.legal_basis, terms.deliberation, str(terms.residual_value_cents))
    about = (one.certificate or "", issued, one.school, maker, serial, one.model or "", handed)
    return (*about, *said)


def certificates_csv(
    found: Iterable[HandoverShown], terms: Campaign, schools: Mapping[str, SchoolNamed]
) -> Iterator[str]:
    """Certificates as a table, for the accounts. What schools are called, by their UAI, stands
    last: columns have kept their places.
    """

    def row(one: HandoverShown) -> tuple[str, ...]:
        return (*_row(one, terms), schools[one.school].name, schools[one.school].town)

    return csv_lines((*COLUMNS, *OF_SCHOOLS), map(row, found))


def certificates_pdf(found: Sequence[HandoverShown], terms: Campaign, school: str) -> bytes:
    """A school's certificates on paper, for its head to sign: the accounts of the year want it."""
    to = io.BytesIO()
    title = f"Attestations de cession, {school or 'tous les lycées'}, {terms.campaign}"
    canvas = _canvas(to, title)
    rows = ROWS + 1 - len([*_lines(title, BOLD, HEADING, RIGHT - LEFT)])
    pages = [found[start : start + rows] for start in range(0, len(found), rows)] or [()]
    for place, part in enumerate(pages, 1):
        y = _text(canvas, (LEFT, TOP), title, HEADING, BOLD)
        told = f"{french.number(len(found), 'fr')} attestations ; page {place} sur {len(pages)}"
        y = _text(canvas, (LEFT, y), told, 10) - 4 * mm
        for one in part:
            canvas.setFont(PLAIN, 9)
            day = french.day(one.certified_at, "fr") if one.certified_at else ""
            for x, text in zip((0, 42, 92, 130), _cells(one, day), strict=True):
                canvas.drawString(LEFT + x * mm, y, text)
            y -= ROW
        if place == len(pages):
            y = _text(canvas, (LEFT, y - 4 * mm), f"Délibération : {terms.deliberation}", 10)
            _text(
                canvas, (LEFT, y), french.typeset("Certifié exact, le chef d'établissement :"), 10
            )
        canvas.showPage()
    canvas.save()
    return to.getvalue()


def _cells(one: HandoverShown, day: str) -> tuple[str, str, str, str]:
    serial = one.laptop.partition("/")[2]
    return (one.certificate or "", (one.model or "")[:24], serial[:20], day)
