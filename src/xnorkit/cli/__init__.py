"""The command line: one thin command per file, no logic here."""
