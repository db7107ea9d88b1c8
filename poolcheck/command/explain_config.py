"""`poolcheck explain-config`."""

import os
import sys
from argparse import Namespace
from functools import partial

from poolcheck.catalog import installed
from poolcheck.command.refused import Refused, told
from poolcheck.config import Configurations
from poolcheck.discover import relative
from poolcheck.files import STANDARD_INPUT, Disk, Files, Format, Memory, TooLarge
from poolcheck.link.poolers import version_of
from poolcheck.read.pgbouncer.config import Part, PgBouncerConfig
from poolcheck.read.pgbouncer.includes import in_folder
from poolcheck.read.pgbouncer.load import load
from poolcheck.read.pgbouncer.startup import for_version
from poolcheck.read.text import decode
from poolcheck.report.terminal import has_color
from poolcheck.source import Source, Span


def run(options: Namespace) -> int:
    """Prints what PgBouncer makes of a file as it stands; 1 where it does not start. Raises Refused."""
    with told():
        config = _config(options)
    if options.output_format == "json":
        from poolcheck.report.effective_json import print_config

        print_config(config, sys.stdout)
    else:
        from poolcheck.report.effective_text import described
        from poolcheck.report.styled import write

        lines = described(config, only_changed=options.changed)
        write(lines, sys.stdout, color=has_color(options.color, sys.stdout))
    return 1 if config.refusals else 0


def _config(options: Namespace) -> PgBouncerConfig:
    path = options.path if os.path.isabs(options.path) else relative(options.path)
    files: Files = Memory({path: sys.stdin.buffer.read()}, Disk()) if path == STANDARD_INPUT else Disk()
    try:
        text = decode(files.read(path), Format.INI)
    except TooLarge as error:
        raise Refused(f"{path} is {error}") from None
    part = Part(Source(path, text), Span(path, 0, len(text)))
    find = partial(in_folder, files, options.working_directory)
    return for_version(load(part, find, is_literal=True), version_of(_target(options)))


def _target(options: Namespace) -> str | None:
    """The version that the command line or the settings tell."""
    if options.target:
        return dict(options.target).get("pgbouncer")
    settings = Configurations(installed(), only=options.config, isolated=options.isolated).in_folder("")
    return settings.target.pgbouncer
