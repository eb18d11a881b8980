"""The three claims of the neural selection hypothesis: a word for each, and the sentence for it.

Each claim is a module with `word` and `why`, which take a row of evidence, and `pool`, which makes
such a row of several seeds.
"""
