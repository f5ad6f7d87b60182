"""Tracking: one life for each laptop, as the facts of all services tell it.

Owns: nothing; it decides nothing and says nothing, and can be dropped and rebuilt from the facts.
Says: nothing.
Hears: delivery.*, ordering.school-listed, ordering.order-placed, ordering.order-amended,
    ordering.order-cancelled, ordering.order-late, ordering.laptop-announced,
    ordering.laptop-admitted, ordering.admission-refused, ordering.laptop-cancelled,
    ordering.laptop-delivered, ordering.laptop-disputed, ordering.replacement-noted,
    ordering.laptop-stock-noted, ordering.laptop-note-withdrawn,
    repairs.laptop-registered, repairs.warranty-noted,
    repairs.laptop-placed, repairs.placement-withdrawn, repairs.incident-logged,
    repairs.warranty-decided, repairs.repair-started, repairs.repair-waiting,
    repairs.laptop-repaired, repairs.laptop-beyond-repair, repairs.laptop-returned-to-user,
    repairs.repair-reopened, repairs.loss-reported, repairs.theft-reported, repairs.theft-confirmed,
    repairs.laptop-recovered, repairs.replacement-needed, repairs.replacement-refused,
    repairs.laptop-swapped, repairs.laptop-given-in-swap, repairs.loan-issued,
    repairs.loan-returned, repairs.laptop-lent, repairs.laptop-back-from-loan, repairs.loan-overdue,
    repairs.case-fact-withdrawn,
    repairs.laptop-ceded, handover.laptop-entered, handover.laptop-acquired,
    handover.laptop-entrusted, handover.handover-blocked, handover.handover-unblocked,
    handover.handover-fact-withdrawn, handover.handover-opened, handover.handover-moved,
    handover.handover-cancelled, handover.handover-offered, handover.handover-accepted,
    handover.handover-refused, handover.handover-signed, handover.management-release-asked,
    handover.management-release-failed, handover.management-release-done,
    handover.certificate-issued, handover.laptop-handed-over,
    handover.laptop-taken-into-further-study, handover.return-asked, handover.return-reminded,
    handover.return-overdue, handover.laptop-returned, handover.other-laptop-returned,
    handover.laptop-refurbished, handover.laptop-scrapped, handover.laptop-written-off,
    enrolment.student-enrolled, enrolment.student-moved, enrolment.student-level-changed,
    enrolment.student-left, enrolment.student-erased.
"""
