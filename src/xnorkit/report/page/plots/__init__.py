"""What the figures share with each other, and one file per kind of figure."""
