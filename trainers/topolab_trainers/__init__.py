"""Training methods of topolab: one file per method, one loop for all of them.

A method is a `Method` that says only what differs: its initial masks, its drop and grow scores,
its schedule. Everything else (data, network, optimiser, recording, resume) is shared.
"""
