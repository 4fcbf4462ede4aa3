"""Pages for people: a model's report and a comparison, as self-contained HTML with every figure's numbers.

`figures` (a figure as data), `costs`, `max_of_k`, `modular` (what is drawn), `drawing`, `plots`, `style` (matplotlib), `content`,
`model_page`, `comparison_page` (what is said), `document` (jinja2). Nothing here is trusted: a page repeats what Coq has
accepted.
"""
