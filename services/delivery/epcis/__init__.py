"""EPCIS 2.0 (GS1, JSON-LD): a partner's events as he keeps them anyway, read into ours.

reading takes a document apart and checks it (shapes, words), gs1 knows GS1's identifiers,
event_hash names an event that has no name, mapping says what an event means here. taking puts
events through the one transaction, archive keeps them to be asked for, retrying looks again at what
was unknown. capture and queries are the calls, answers what these have in common.
"""
