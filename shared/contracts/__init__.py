"""The language between services: names, facts (one module
per publisher) and the envelope that carries them. Pure.
"""
