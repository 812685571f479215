"""One room a task family. A room is found because its file lies here: no list names it."""
