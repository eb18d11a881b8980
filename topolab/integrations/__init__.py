"""topolab in other people's training programs: nothing here is imported unless asked for.

`topolab.attach` records a plain PyTorch training. The modules `lightning`, `transformers` and
`accelerate` do it where the loop is another's; `log` and the trackers,
found by entry point, write the topology curves. Each needs its own package:
``pip install "topolab[lightning]"`` and so on.
"""
