"""What the fields of facts mean. Pure.

A word means the same in every fact, so its meaning stands once; where one means something else it
stands under `<Class>.<field>`. docs/glossary.md has the words of pages beside those of code.
"""

from collections.abc import Mapping

FIELDS: Mapping[str, str] = {
    "type": "The wire name of the fact, the same as ce_type.",
    # who and what
    "laptop": "The laptop's key, `<maker>/<SERIAL>`.",
    "shipment": "The shipment's SSCC, 18 digits.",
    "order": "The number of the purchase order.",
    "line": "The number of the order line.",
    "lines": "What is ordered, line by line.",
    "lot": "The lot of the public contract.",
    "school": "The school's UAI, seven digits and a letter.",
    "to_school": "The UAI of the school that it goes to now.",
    "party": "Whose word it was, as in `carrier:acme`.",
    "event": "What another service was told, as `<service>: <party> <id>`.",
    "LaptopReturned.event": "The stock scan that says so, as `delivery: <party> <id>`; null where "
    "it was told to handover itself.",
    "LaptopCeded.event": "The stock scan by which it came back, as `delivery: <party> <id>`, or "
    "null.",
    "LaptopFactWithdrawn.event": "The id under which the party said it.",
    "ShipmentFactWithdrawn.event": "The id under which the party said it.",
    "CaseFactWithdrawn.event": "The id under which the party said it.",
    "LaptopPlaced.event": "What delivery was told, as `<party> <id>`.",
    "PlacementWithdrawn.event": "What delivery was told, as `<party> <id>`.",
    "student": "The student's pseudonym, a random UUID that only enrolment can undo.",
    "carrier": "The party that announced the shipment and owns it, as in `carrier:acme`.",
    "supplier": "The supplier's name, as in its key `supplier:<name>`.",
    "buyer": "The body that places the order.",
    "paid_by": "The body that pays the line.",
    "model": "The laptop's model as the order names it.",
    "school_year": "The school year, as in `2020-2021`; it changes on 1 September.",
    # what schools need in a school year
    "share": "A share of the newcomers: 0.05 for 5 %.",
    "newcomers": "How many students begin at the school.",
    "stock_back": "How many laptops the school has back.",
    "counted": "True where nobody said what came back: it is counted instead.",
    "decided": "How many it is to get, where a person said so; null where it is computed.",
    "revision": "Which word on it this is, from 1: the highest holds, whatever the times say.",
    "changes": "How many laptops more, or less, by the school's UAI.",
    "AmendedLine.quantity": "How many laptops from now on.",
    "change": "How many laptops more, or less, than before.",
    "OrderAmended.lines": "What changes, line by line.",
    "cancelled": "How many laptops come no more, by line.",
    "OrderLate.lines": "How many laptops were awaited, by line.",
    # how many, from when
    "quantity": "How many laptops.",
    "promised_on": "The day by which the supplier promised delivery.",
    "warranty_months": "How long the warranty lasts from admission, in months.",
    "warranty_from": "The first day of the warranty.",
    "warranty_to": "The day on which the warranty ends.",
    # how
    "whole": "True when it was said of all in the shipment, false when laptops were listed.",
    "DiscrepancyReported.kind": "How count and papers differ: `missing`, `damaged`, `unexpected`, "
    "`wrong-school`; further words may come.",
    "LaptopDisputed.kind": "As in discrepancy-reported.",
    "minor": "Whether the student was under age, as the school asserts it.",
    "student_signed_at": "When the student signed the charter.",
    "guardian_signed_at": "When a guardian signed it; null when none did.",
    "sleeve": "Whether a sleeve was handed out with the laptop.",
    "doubt": "What speaks against it, as enrolment had said by then: `student-left`, "
    "`student-elsewhere`; null where nothing does; further words may come.",
    "LoanOverdue.left": "Whether it was due because its student left, before the agreed day.",
    "PresenceNoted.erased": "Whether nobody can say any more who the student was.",
    "PresenceNoted.left": "Whether the student is at no school of the region any more.",
    "StudentPlaced.school": "The school's UAI; empty where nobody can say any more who it was.",
    "StudentPlaced.left": "Whether the student is at no school of the region any more.",
    "storage": "Whether an SD card or a USB stick was handed out with it.",
    # a repair
    "case": "The number of the repair case, 16 digits.",
    "desk": "The repair desk's name, as in its key `desk:<name>`.",
    "cause": "What brought it about, a word of the region's policy, such as `defect` or `theft`.",
    "fault": "The fault type of the CompCat list, 1 to 20; null where nobody said.",
    "recall": "The id of the recall that it comes of.",
    "cover": "Who pays: `warranty`, `region`, `family`, `nobody`.",
    "remedy": "What is done: `repair`, `replace`, `none`.",
    "rule": "The rule of the policy that decided; `as-decided` where the region did.",
    "waiting_on": "On what: `parts`, `vendor`, `user`; further words may come.",
    "barrier": "What prevented repair, 1 to 6 (Open Repair Data Standard 0.3).",
    "outcome": "Of what was not repaired: 2 repairable, 0 unknown (Open Repair Data Standard 0.3).",
    "complaint": "The number of the complaint filed with the police.",
    "filed_on": "The day on which it was filed.",
    "reason": "The rule of the policy that refused it.",
    "replaced_by": "The key of the laptop that took its place.",
    "replaces": "The key of the laptop whose place it took.",
    "loaner": "The key of the laptop on loan.",
    "stands_in_for": "The key of the laptop that it is lent for.",
    "due_on": "The day on which it is to come back.",
    "cases": "How many cases of a defect.",
    "laptops": "How many laptops the lot has.",
    # a student
    "from_school": "The UAI of the school that the student was at before.",
    "level": "The level: `2nde`, `1ere`, `term`, `cap1`, `cap2`, `3prepa`; further words may come.",
    "StudentLeft.reason": "Why: `graduated`, `left-region`, `apprenticeship`, `dropped-out`, "
    "`unknown`; further words may come.",
    "guardians": "How many persons sign while the student is a minor.",
    "StudentErased.cause": "What asked for it: `retention`, `request`; further words may come.",
    # the end of lycée
    "handover": "The number of the handover, 16 digits: one laptop, one student.",
    "campaign": "The name of the campaign; null where it comes back without one.",
    "opens_at": "From when on laptops are offered.",
    "legal_basis": "On what ground of law the laptop is ceded.",
    "deliberation": "The number of the region's deliberation.",
    "residual_value_cents": "What the laptop is still worth, in cents of a euro.",
    "certificate": "The certificate's number, such as `2022-2023-000001`.",
    "successor": "The UAI of the school that does what is left to do.",
    "StudentNoted.left": "Why the student is at no school of the region any more, or null.",
    "StudentCalled.campaign": "The name of the campaign that concerns the student.",
    "leaving": "Why the student leaves: `final-level`, or a reason such as `left-region`.",
    "blocked_by": "What is open: `repair`, `loan`, `theft`, `loss`; null for all of the case.",
    "cancelled_for": "Why it comes to nothing: `stays`, `not-theirs`, `another-campaign`.",
    "HandoverSigned.student_signed_at": "When the student signed.",
    "HandoverSigned.guardian_signed_at": "When a guardian signed; null when none did.",
    "release": "Which act of device management: `retire`, `delete-identity`.",
    "failure": "Why it failed: `no-answer`, `not-reached`, `http-500`; further words may come.",
    "attempt": "For the how-manieth time.",
    "institution": "The kind of institution, a word such as `university` or `bts`; no name.",
    "brought": "The key of the laptop that was brought instead.",
    "tracking_form": "The number of the tracking form (BSD) under which it was taken away.",
    # a school's entry in the directory
    "SchoolListed.name": "The school's name.",
    "SchoolNoted.name": "The school's name.",
    "SchoolListed.kind": "The kind of school, as the directory writes it, such as LEGT.",
    "sector": "Public or private, as the directory writes it.",
    "academy": "The académie the school belongs to.",
    "department": "The département's number, two characters.",
    "insee_code": "The commune's INSEE code.",
    "town": "The commune's name.",
    "postcode": "The postal code.",
}


def meaning(owner: str, field: str) -> str:
    """What a field of a class means. Raises KeyError, naming both, for a word without a meaning."""
    found = FIELDS.get(f"{owner}.{field}") or FIELDS.get(field)
    if found is None:
        raise KeyError(f"{owner}.{field}")
    return found
