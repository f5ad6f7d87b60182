"""Enrolment: who is who, and nobody else knows.

Owns: students and their pseudonyms; names, guardians and birth dates, each person's under a key of
    its own; who looked at whom; who was erased.
Says: student-enrolled, student-moved, student-level-changed, student-left, guardians-changed,
    student-erased.
Hears: nothing.
"""
