"""`umt score`: how much of the music a translation kept, measured. One metric a file.

Nothing here needs torch, and nothing knows a family: what is measured is sound.
"""
