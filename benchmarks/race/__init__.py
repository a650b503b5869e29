"""The race: groundup and its rivals, each a process, on the same bytes for the same time."""
