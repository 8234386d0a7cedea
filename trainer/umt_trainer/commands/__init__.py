"""The trainer's commands, one file each."""
