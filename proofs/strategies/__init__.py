"""One module per proof strategy: its certificate, its finder, and its mirror of the Coq checker.

A mirror predicts, bit for bit, what the checker answers: `verdict` returns the text that Coq prints, `mirror` the N that
Coq accepts. `terms` and `counting` are what several strategies share. Nothing here is trusted.
"""
