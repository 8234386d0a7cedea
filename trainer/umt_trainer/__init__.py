"""The training loop of umt and the commands around it."""
