"""List the recipes that ship with the package."""

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_table


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="List the recipes that `xnorkit train` knows.")
    parser.add_argument("--json", action="store_true", help="print the names as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print one recipe per line with its description."""
    from xnorkit.recipes import description, list_recipes

    rows = [[name, description(name)] for name in list_recipes()]
    if options.json:
        print_json([{"recipe": name, "description": text} for name, text in rows])
    else:
        print_table("Recipes", ["recipe", "description"], rows)
