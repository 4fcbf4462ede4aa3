"""Modular arithmetic: (a + b) mod p and (a - b) mod p. `network` and `train` need torch; nothing else does.

`config` sizes and recipes; `weights` the matrices; `tasks` the answers; `evaluate` exact enumeration of all p^2 pairs;
`purify` the network whose every neuron is one cosine; `network`, `train` torch. Import by full name.
"""
