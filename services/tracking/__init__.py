"""Tracking: one life for each laptop, as the facts of all services tell it.

Owns: nothing; it decides nothing and says nothing, and can be dropped and rebuilt from the facts.
Says: nothing.
Hears: delivery.*, ordering.school-listed, ordering.order-placed, ordering.order-amended,
    ordering.order-cancelled, ordering.order-late, ordering.laptop-announced,
    ordering.laptop-admitted, ordering.admission-refused, ordering.laptop-cancelled,
    ordering.laptop-delivered, ordering.laptop-disputed.
"""
