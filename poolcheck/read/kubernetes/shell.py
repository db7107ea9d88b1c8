"""Shell scripts, in so far as they are lists of simple commands."""

import os.path
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "ksh", "zsh"})
_COMPOUND = frozenset(
    {"!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "select"}
    | {"then", "time", "until", "while", "{", "}"}
)
_COMPOUND_START = re.compile(
    r"(?:^|(?<=[\s;&|]))(?:case|for|if|until|while|!|\[\[|\{|\()(?=[\s(]|\Z)|(?:^|(?<=[\s;&|]))\(|\w+\(\)"
)
_COMPOUND_END = re.compile(r"(?:^|(?<=;)|(?<=;\s))(?:fi|done|esac|\})(?=[\s;]|\Z)[^\n;&|]*", re.MULTILINE)
_REPLACING = re.compile(r"^exec[ \t]", re.MULTILINE)
_SUBSTITUTED = r"""\((?:[^()`'"]|"[^"]*"|'[^']*')*+\)"""
"""What stands in `$(…)`, with no other in it."""
_EXPANSION = rf"""
    (?P<expansion>\$(?:
        (?P<name>[A-Za-z_]\w*)
        |\{{(?P<braced>[A-Za-z_]\w*)(?::?-(?P<default>[^{{}}$`'"\\]*))?\}}
        |\{{[^{{}}]*\}}
        |{_SUBSTITUTED}
        |(?P<all>@)
        |[0-9*?#$!-]
    ))"""
_PIECE = re.compile(
    rf"""(?P<blank>[ \t\r]+|\\\r?\n)
    |(?P<comment>\#[^\n]*)
    |(?P<redirection>(?:[0-9]*(?:>>|>&|<&|>\||[<>])|&>>?)(?![<(]))
    |(?P<operator>&&|\|\||[;&|\n])
    |'(?P<single>[^']*)'
    |"(?P<double>(?:[^"\\$]|\\.|\${_SUBSTITUTED}|\$)*+)"
    |\\(?P<escaped>.)
    |{_EXPANSION}
    |(?P<plain>[^\s'"\\$&|;<>()`]+|\$(?=\s|\Z))""",
    re.VERBOSE | re.DOTALL,
)
_PARTS = frozenset({"plain", "single", "double", "escaped", "expansion"})
_QUOTED_PIECE = re.compile(
    rf"""\\(?P<escaped>[$`"\\])
    |(?P<continuation>\\\n)
    |{_EXPANSION}
    |(?P<plain>[^$`\\]+|\\|\$(?![\w{{(]))""",
    re.VERBOSE,
)


ARGUMENTS = "@"
"""The name of what a script was given."""


class Variable(NamedTuple):
    """A variable in a word, and what stands there where it is not set. In quotes it stays one word."""

    name: str
    default: str | None
    is_quoted: bool


Word: TypeAlias = tuple[str | Variable | None, ...]
"""The parts of a word: texts, variables, and None for what only the shell can tell."""


class Command(NamedTuple):
    """A simple command and the operator behind it: `&&`, `||`, `|`, `&`, `;`, a line break, or none at the end."""

    words: tuple[Word, ...]
    then: str


class _NotPlain(Exception):
    """More in a script than simple commands."""


def script_at(words: Sequence[str]) -> int | None:
    """Which word of a command a shell runs as a script, as in `bash -euo pipefail -c …`; None where none is."""
    if not words or os.path.basename(words[0]) not in _SHELLS:
        return None
    at = 1
    while at < len(words) and words[at].startswith(("-", "+")):
        option = words[at]
        is_short = not option.startswith("--")
        if is_short and "c" in option:
            return at + 1 if at + 1 < len(words) else None
        at += 2 if is_short and option.endswith("o") else 1
    return None


def file_at(words: Sequence[str]) -> int | None:
    """Which word may be a file that a shell runs, as in `sh start.sh` and `./start.sh`; None where none is."""
    if not words:
        return None
    if os.path.basename(words[0]) not in _SHELLS:
        return 0 if "/" in words[0] or words[0].endswith(".sh") else None
    at = 1
    while at < len(words) and words[at].startswith(("-", "+")):
        if "c" in words[at] or words[at] == "-s":
            return None
        at += 2 if words[at].endswith("o") else 1
    return at if at < len(words) else None


def last_part(script: str) -> str:
    """What follows the last condition, loop or function of a script, or the `exec` that it ends with.

    What comes before may have done anything.
    """
    starts = [found.end() for found in _COMPOUND_END.finditer(script)]
    starts += [found.start() for found in _REPLACING.finditer(script)]
    return script[max(starts) :] if starts else ""


def first_part(script: str) -> str:
    """What comes before the first condition, loop, function or subshell of a script."""
    found = _COMPOUND_START.search(script)
    return script[: found.start()] if found else script


def commands(script: str) -> tuple[Command, ...] | None:
    """The commands of a script; None where it has conditions, loops, functions, subshells or here-documents."""
    try:
        return tuple(_commands(script))
    except _NotPlain:
        return None


def literal(word: Word) -> str | None:
    """The text of a word in which the shell fills in nothing."""
    texts = [part for part in word if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(word) else None


def _commands(script: str) -> Iterator[Command]:
    words: list[Word] = []
    for token in _tokens(script):
        if isinstance(token, tuple):
            if not words and literal(token) in _COMPOUND:
                raise _NotPlain
            words.append(token)
        elif words:
            yield Command(tuple(words), token)
            words = []


def _tokens(script: str) -> Iterator[Word | str]:
    """Words and operators, an empty one at the end, without redirections and their targets."""
    word: list[str | Variable | None] | None = None
    is_target = False
    for piece in _pieces(_PIECE, script):
        kind = piece.lastgroup or ""
        if kind in _PARTS:
            word = [] if word is None else word
            word += _parts(piece, kind)
            continue
        if word is not None and not is_target:
            yield tuple(word)
        is_target = kind == "redirection" or (is_target and word is None)
        word = None
        if kind == "operator":
            yield piece[0]
    if word is not None and not is_target:
        yield tuple(word)
    yield ""


def _pieces(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What a text is made of. Raises _NotPlain where it is made of something else."""
    at = 0
    while at < len(text):
        piece = pattern.match(text, at)
        if piece is None:
            raise _NotPlain
        yield piece
        at = piece.end()


def _parts(piece: re.Match[str], kind: str) -> Iterator[str | Variable | None]:
    if kind == "expansion":
        yield _variable(piece, is_quoted=False)
    elif kind != "double":
        yield piece[kind]
    elif not piece["double"]:
        yield ""
    else:
        for quoted in _pieces(_QUOTED_PIECE, piece["double"]):
            if quoted.lastgroup == "expansion":
                yield _variable(quoted, is_quoted=True)
            else:
                yield quoted["escaped"] or quoted["plain"] or ""


def _variable(piece: re.Match[str], *, is_quoted: bool) -> Variable | None:
    name = piece["name"] or piece["braced"] or piece["all"]
    return Variable(name, piece["default"], is_quoted) if name else None
