"""How the first masks are made, one file for each family.

An initialisation is registered under the entry-point group ``topolab.inits`` and serves every
method: ``topolab train rigl --init lognormal --ccv 2.5``.
"""
