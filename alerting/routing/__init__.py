"""Who is told of what: a tree of rules in one file."""
