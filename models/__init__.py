"""Models: tasks, networks, weights, training and accuracy. `network` and `train` need torch; nothing else does."""
