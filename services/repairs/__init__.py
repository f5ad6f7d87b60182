"""Repairs: what is wrong with a laptop, who pays, and how it goes on.

Owns: incidents and their cases, warranty decisions, loans, swaps, thefts and losses, recalls.
Says: laptop-registered, warranty-noted, laptop-placed, placement-withdrawn, incident-logged,
    warranty-decided, repair-started, repair-waiting, laptop-repaired, laptop-beyond-repair,
    laptop-returned-to-user, repair-reopened, loss-reported, theft-reported, theft-confirmed,
    laptop-recovered, replacement-needed, replacement-refused, laptop-swapped, laptop-given-in-swap,
    loan-issued, loan-returned, laptop-lent, laptop-back-from-loan, loan-overdue,
    loan-due-again, case-fact-withdrawn, laptop-ceded, presence-noted, model-recalled,
    defect-suspected.
Hears: ordering.laptop-announced, ordering.laptop-admitted, delivery.laptop-received,
    delivery.laptop-handed-out, delivery.laptop-moved, delivery.laptop-back-to-stock,
    delivery.laptop-fact-withdrawn, handover.laptop-handed-over, handover.laptop-returned,
    enrolment.student-enrolled, enrolment.student-left, enrolment.student-erased.
"""
