"""The parser of every command: argparse that reports a mistake in one line, as a sentence."""

import argparse
import difflib
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["ArgumentParser", "Namespace", "choose", "name"]

USER_ERROR = 2
LONGEST = 80


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser with plain words; a mistake ends the program with exit code 2.

    Arguments have `type` int, float, bool, str, Path, or `name`, which is text that is not empty, or `choices`. `hint`
    gets an unknown option and the value that it stands before, "" if there is none, and returns what to write instead,
    or "".
    """

    def __init__(self, hint: Callable[[str, str], str] = lambda *_: "", **options: Any) -> None:
        super().__init__(allow_abbrev=False, exit_on_error=False, **options)
        self.hint = hint

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument whose value is read as its type, or is one of its choices."""
        if choices := options.pop("choices", None):
            options |= {"type": partial(_choice, choices), "metavar": f"{{{','.join(choices)}}}"}
        elif options.get("type") in READ:
            options["type"] = partial(_read, *READ[options["type"]])
        return super().add_argument(*names, **options)

    def parse(self, words: Sequence[str]) -> Namespace:
        """Return the values; options stand anywhere among the other arguments, or in front of `--`."""
        return self._strictly(self.parse_known_args if "--" in words else self.parse_known_intermixed_args, words)

    def parse_options(self, words: Sequence[str]) -> Namespace:
        """Return the values of options alone, as they stand in place of a command."""
        return self._strictly(self.parse_known_args, words)

    def _strictly(self, parse: Callable[[Sequence[str]], Any], words: Sequence[str]) -> Namespace:
        self._refuse_known_elsewhere(words)
        try:
            options, unknown = parse(words)
        except argparse.ArgumentError as error:
            self.error(f"{error.argument_name} {error.message}" if error.argument_name else error.message)
        if unknown:
            near = difflib.get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, n=1)
            hint = f"Did you mean {near[0]}?" if near else "The help lists them all."
            self.error(f"{unknown[0]} is not an argument of this command. {hint}")
        known: Namespace = options
        return known

    def _refuse_known_elsewhere(self, words: Sequence[str]) -> None:
        """Refuse an unknown option for which there is a hint, before it is said what else is missing or wrong."""
        for word, following in zip_longest(words, words[1:], fillvalue="-"):
            option, _, value = word.partition("=")
            if word == "--":
                return
            if option.startswith("-") and option not in self._option_string_actions:
                hint = self.hint(option, value or ("" if following.startswith("-") else following))
                if hint:
                    self.error(f"{word} is not an argument of this command. {hint}")

    def error(self, message: str) -> NoReturn:
        """Print the mistake and where help is, and exit with code 2."""
        line = " ".join(message.split())
        print(f"error: {line}{'' if line[-1] in '.?' else '.'} See {self.prog} --help.", file=sys.stderr)
        sys.exit(USER_ERROR)


def choose(parser: ArgumentParser, commands: Mapping[str, str], words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the command that `words` name and the words after it; without one, print help or a mistake, and exit.

    Args:
        parser: with the options that stand in place of a command.
        commands: what each one does, for the help.
        words: of the command line.
    """
    if not words or words[0] not in commands:
        group = parser.add_subparsers(title="commands", metavar="COMMAND")
        for command, text in commands.items():
            group.add_parser(command, help=text, add_help=False)
        known = f"The commands are: {', '.join(commands)}."
        if words and not words[0].startswith("-"):
            near = difflib.get_close_matches(words[0], commands, n=1)
            parser.error(f"'{words[0]}' is not a command. {f'Did you mean {near[0]}?' if near else known}")
        parser.parse_options(words)  # --help and --version end the program
        parser.error(f"the command is missing. {known}")
    return words[0], words[1:]


def name(text: str) -> str:
    """Return a text that is not empty: an empty path would stand for the current folder."""
    if not text:
        raise ValueError
    return text


def _path(text: str) -> Path:
    return Path(name(text))


# Type of an argument -> how it is read from text, and what it must be.
READ: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: ({"true": True, "false": False}.__getitem__, "true or false"),
    name: (name, "a path or a name, as . for this folder"),
    Path: (_path, "a path, as . for this folder"),
}


def _read(read: Callable[[str], Any], expected: str, text: str) -> Any:
    try:
        return read(text)
    except (ValueError, KeyError):
        received = " ".join(text.split()) or "empty"
        received = received if len(received) <= LONGEST else f"{received[:LONGEST]}..."
        raise argparse.ArgumentTypeError(f"is {received}, but it must be {expected}") from None


def _choice(choices: Sequence[str], text: str) -> str:
    return _read({choice: choice for choice in choices}.__getitem__, f"one of {', '.join(choices)}", text)
