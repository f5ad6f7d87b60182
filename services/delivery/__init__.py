"""Delivery: a laptop reaches its school, and its student.

Owns: shipments, custody up to the student, hand-out. Partners may tell it on topics of their own.
Says: shipment-announced, shipment-packed, shipment-dispatched, shipment-in-transit,
    shipment-redirected, shipment-arrived, shipment-refused, shipment-received,
    shipment-fact-withdrawn, laptop-expected, laptop-cleared, laptop-called-off,
    laptop-packed, laptop-dispatched, laptop-in-transit, laptop-redirected, laptop-arrived,
    laptop-refused, laptop-received, discrepancy-reported, laptop-moved, laptop-back-to-stock,
    hand-out-missed, laptop-handed-out, laptop-taken-back, laptop-given-in-exchange,
    laptop-taken-away, laptop-fact-withdrawn, student-placed.
Hears: ordering.laptop-announced, ordering.laptop-admitted, ordering.laptop-cancelled,
    repairs.laptop-swapped, repairs.laptop-given-in-swap, handover.laptop-returned,
    handover.laptop-scrapped, enrolment.student-enrolled, enrolment.student-moved,
    enrolment.student-left, enrolment.student-erased.
"""
