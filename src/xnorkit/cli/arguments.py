"""The parser of every command: plain help, and mistakes in one line with the remedy."""

import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NoReturn

import jsonargparse

__all__ = ["ArgumentParser", "Namespace", "plain"]

Namespace = jsonargparse.Namespace
USER_ERROR = 2
WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "Path": "a path", "str": "text"}
NAMES = ", ".join
LONGEST = 80
VALUE = re.compile(r"(?:Given|Got) value: (?P<value>.*?)\s*(?:\n\s*(?:- Expected|Given value)|$)", re.DOTALL)
LITERAL = re.compile(r"Literal\[(?P<choices>[^\]]*)\]")
TYPE = re.compile(r"<class '(?:\w+\.)*(?P<type>\w+)'>")


class _Help(jsonargparse.DefaultHelpFormatter):
    """Help without types and defaults, which the texts name where they matter, and without '[options]' in usage."""

    def _get_help_string(self, action: Any) -> str:
        return action.help or ""

    def _format_usage(self, *args: Any, **kwargs: Any) -> str:
        return super()._format_usage(*args, **kwargs).replace(" [options]", "")


class ArgumentParser(jsonargparse.ArgumentParser):
    """jsonargparse's parser with plain words; a mistake ends the program with exit code 2."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=_Help, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print what was received, what is required and where help is, and exit with code 2."""
        parser = getattr(ex, "subcommand_parser", None) or self
        prog = parser.prog.replace(" [options]", "")
        options = [option for action in parser._actions for option in action.option_strings]
        commands = _commands(parser)
        print(f"error: {plain(message, options, commands)} See {prog} --help.", file=sys.stderr)
        sys.exit(USER_ERROR)


def plain(message: str, options: list[str], commands: list[str]) -> str:
    """Return a message of the parser in plain words, in one line.

    Args:
        message: of jsonargparse or argparse.
        options: those that the command has, for near matches.
        commands: those of the next level, if any.
    """
    for pattern, say in RULES.items():
        if found := re.search(pattern, message, re.DOTALL):
            return say(found, options, commands)
    return " ".join(message.split()).rstrip(".") + "."


def _wrong_value(found: re.Match[str], _options: list[str], _commands: list[str]) -> str:
    value = VALUE.search(found["rest"])
    name = found["key"].split(".")[-1].replace("_", "-")
    received = " ".join(value["value"].split()) if value else ""
    received = received if len(received) <= LONGEST else f"{received[:LONGEST]}..."
    return f"--{name} {received}; required: {_required(found['rest'])}."


def _no_value(found: re.Match[str], _options: list[str], _commands: list[str]) -> str:
    return f"{found['option']} has no value; required: one behind it."


def _no_command(found: re.Match[str], _options: list[str], commands: list[str]) -> str:
    known = commands if found["what"] == "command" else [word.strip() for word in found["known"].split(",")]
    return f"no command given; required: one of {NAMES(known)}."


def _unknown_command(found: re.Match[str], _options: list[str], commands: list[str]) -> str:
    near = get_close_matches(found["word"], commands, n=1)
    hint = f"did you mean {near[0]}?" if near else f"required: one of {NAMES(commands)}."
    return f"unknown command '{found['word']}'; {hint}"


def _missing(found: re.Match[str], _options: list[str], _commands: list[str]) -> str:
    *command, name = re.split(r",\s*", found["names"])[0].split(".")
    return f"{' '.join(command)}: {name.upper()} is missing.".removeprefix(": ")


def _unknown_option(found: re.Match[str], options: list[str], _commands: list[str]) -> str:
    word = found["words"].split()[0]
    near = get_close_matches(word.partition("=")[0], options, n=1)
    return f"unknown argument {word}; {f'did you mean {near[0]}?' if near else 'required: what the help lists.'}"


# What the parser says -> who says it in plain words; the first that is found counts.
RULES: dict[str, Callable[[re.Match[str], list[str], list[str]], str]] = {
    r'Parser key "(?P<key>[^"]+)":(?P<rest>.*)': _wrong_value,
    r'expected "(?P<what>[^"]+)" to be one of \{(?P<known>.*)\}, but it was not provided': _no_command,
    r"invalid choice: '(?P<word>[^']*)'": _unknown_command,
    r"the following arguments are required: (?P<names>.*)": _missing,
    r"argument (?P<option>\S+): expected (?:one|at least one) argument": _no_value,
    r"unrecognized arguments: (?P<words>.*)": _unknown_option,
}


def _required(rest: str) -> str:
    """Return what a value must be, from the parser's account of its type."""
    if choice := LITERAL.search(rest):
        return "one of " + choice["choices"].replace("'", "")
    kinds = [found["type"] for found in TYPE.finditer(rest) if found["type"] in WORDS]
    return WORDS[kinds[0]] if kinds else "another value"


def _commands(parser: jsonargparse.ArgumentParser) -> list[str]:
    for action in parser._actions:
        if isinstance(action.choices, dict):
            return list(action.choices)
    return []
