"""What the handlers of a `try` statement catch, by its syntax."""

import libcst as cst

from poolcheck.read.python.syntax.bindings import last_name_behind


def exceptions_named(handler: cst.CSTNode) -> tuple[str, ...]:
    """The last names of the exceptions that a handler catches; none where it catches all."""
    if not isinstance(handler, cst.ExceptHandler | cst.ExceptStarHandler) or handler.type is None:
        return ()
    if isinstance(handler.type, cst.Tuple):
        return tuple(last_name_behind(element.value) for element in handler.type.elements)
    return (last_name_behind(handler.type),)


def catches_all(handler: cst.CSTNode) -> bool:
    """Whether nothing gets past a handler."""
    named = exceptions_named(handler)
    return not named or "BaseException" in named
