"""Ordering: what the region buys, and which laptops fill the orders.

Owns: the school directory, school years and what each school needs in one, purchase orders and
    their lines, the suppliers' serial numbers, admission.
Says: school-listed, spare-share-set, need-stated, needs-ordered, stock-counted, order-placed,
    order-amended, order-cancelled, order-late, order-line-fulfilled, line-announced, line-admitted,
    line-delivered, line-taken-back, laptop-announced, laptop-admitted, admission-refused,
    laptop-cancelled, laptop-delivered, laptop-disputed, replacement-noted,
    laptop-stock-noted, laptop-note-withdrawn.
Hears: delivery.laptop-received, delivery.laptop-handed-out, delivery.laptop-moved,
    delivery.discrepancy-reported, delivery.laptop-fact-withdrawn, repairs.replacement-needed,
    repairs.case-fact-withdrawn, handover.laptop-refurbished, handover.laptop-scrapped.
"""
