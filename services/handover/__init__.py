"""Handover: at the end of lycée the laptop becomes the student's, or comes back.

Owns: campaigns, handovers, signatures and their codes, releases, certificates, returns.
Says: handover-campaign-opened, certificate-numbered, school-succeeded, school-noted,
    student-noted, student-equipped, student-called, student-forgotten, laptop-entered,
    laptop-acquired, laptop-entrusted, handover-blocked, handover-unblocked,
    handover-fact-withdrawn, handover-opened, handover-moved, handover-cancelled,
    handover-offered, handover-accepted, handover-refused, handover-signed,
    management-release-asked, management-release-failed, management-release-done,
    certificate-issued, laptop-handed-over, laptop-taken-into-further-study, return-asked,
    return-reminded, return-overdue, laptop-returned, other-laptop-returned, laptop-refurbished,
    laptop-scrapped, laptop-written-off.
Hears: enrolment.student-enrolled, enrolment.student-moved, enrolment.student-level-changed,
    enrolment.student-left, enrolment.student-erased, ordering.school-listed,
    ordering.laptop-announced, ordering.laptop-admitted, delivery.laptop-received,
    delivery.laptop-handed-out, delivery.laptop-moved, delivery.laptop-back-to-stock,
    delivery.laptop-taken-back, delivery.laptop-given-in-exchange,
    delivery.laptop-fact-withdrawn, repairs.incident-logged, repairs.theft-reported,
    repairs.loss-reported, repairs.laptop-recovered, repairs.laptop-returned-to-user,
    repairs.repair-reopened, repairs.laptop-swapped, repairs.loan-issued, repairs.loan-returned,
    repairs.laptop-lent, repairs.laptop-back-from-loan, repairs.case-fact-withdrawn.
"""
