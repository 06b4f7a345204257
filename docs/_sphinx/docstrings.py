"""infoplane's docstrings as reStructuredText.

They name arguments a line each, "t : (n_inputs, n_units), …", indented where the text goes on.
These lines become fields, and characters that mark up reStructuredText are taken as they are.
"""

import re

ARGUMENT = re.compile(r"(?P<names>\w+(?:, \w+)*) : (?P<text>\S.*)")
MARKS = re.compile(r"(?<!`)([*|]|(?<=\w)_(?=\W|$))")

PARAGRAPHS = ("Raises ", "Returns ", "Warns ")
"""How lines begin that stand apart."""


def setup(app):
    """Sphinx calls this first."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _process(app, what, name, obj, options, lines: list[str]) -> None:
    lines[:] = fields(lines)


def fields(lines: list[str]) -> list[str]:
    """The docstring's lines with arguments as fields, and arguments within these as a list."""
    made: list[str] = []
    in_field = in_list = False
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        match = ARGUMENT.fullmatch(line.lstrip())
        if match and not indent:
            made += [""] if made and made[-1] and not in_field else []
            names = match["names"].replace(", ", ",")  # a space would end the name
            made.append(f":param {names}: {_plain(match['text'])}")
            in_field, in_list = True, False
            continue
        if match and in_field:
            made += [] if in_list else [""]
            made.append(f"{indent}- {match['names']}: {_plain(match['text'])}")
            in_list = True
            continue
        if (in_field and line and not indent) or line.startswith(PARAGRAPHS):
            made.append("")
        in_field = in_field and bool(indent)
        in_list = in_list and in_field
        if in_list:  # the text of an item goes on below its first word
            line = indent[:-2] + line.lstrip()
        made.append(line if line.lstrip().startswith((">>>", "...")) else _plain(line))
    return made


def _plain(text: str) -> str:
    """Text outside of backticks with its marks escaped."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else MARKS.sub(r"\\\1", p) for p in parts)
