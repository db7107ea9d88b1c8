"""What a rule is: who it is, its options, and `check`."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, NamedTuple, NoReturn, TypeVar, cast, get_args, get_origin

from poolcheck.finding import Finding, Fix, Note, Severity, shortened
from poolcheck.source import Span

Subject = TypeVar("Subject")
T = TypeVar("T")


class Option(NamedTuple):
    """One option of a rule as configuration sees it: its name in kebab case, its default, what it is for."""

    name: str
    default: object
    description: str

    @property
    def attribute(self) -> str:
        """The option's name as an attribute of its rule."""
        return self.name.replace("-", "_")


class _Declared(NamedTuple):
    default: object
    description: str


def option(default: T, description: str) -> T:
    """An option of a rule, written as `reserved: int = option(3, "Server connections kept back.")`.

    Its type is that of its default: a bool, an int, a float, a str or a tuple of str.
    """
    if not isinstance(default, bool | int | float | str | tuple):
        raise TypeError(f"an option cannot be a {type(default).__name__}")
    return cast("T", _Declared(default, description))


class Rule(Generic[Subject]):
    """One check of one kind of subject: a document, or the whole linked system.

    A subclass names its subject (`Rule[PgBouncerConfig]`), says who it is (`id`, `severity`, `since`) and
    yields findings from `check`, a pure function of the subject and of the rule's options. Its group is the
    folder it lies in, its page the `.md` file beside it.
    """

    id: ClassVar[str]
    severity: ClassVar[Severity]
    since: ClassVar[str]
    group: ClassVar[str]
    subject: ClassVar[type]
    options: ClassVar[tuple[Option, ...]]

    def __init_subclass__(cls) -> None:
        """Reads the subject, the group and the options off the class."""
        super().__init_subclass__()
        bases: tuple[object, ...] = getattr(cls, "__orig_bases__", ())
        subjects = [get_args(base)[0] for base in bases if get_origin(base) is Rule]
        if not subjects or not isinstance(subjects[0], type):
            raise TypeError(f"{cls.__name__} does not say what it looks at, as in Rule[PgBouncerConfig]")
        if unsaid := [name for name in ("id", "severity", "since") if not hasattr(cls, name)]:
            raise TypeError(f"{cls.__name__} does not say its {' and its '.join(unsaid)}")
        cls.subject = subjects[0]
        folder = cls.__module__.split(".")[-2] if "." in cls.__module__ else cls.__module__
        cls.group = folder.replace("_", "-")
        declared = {name: value for name, value in vars(cls).items() if isinstance(value, _Declared)}
        cls.options = tuple(
            Option(name.replace("_", "-"), value.default, value.description) for name, value in declared.items()
        )
        for name, value in declared.items():
            setattr(cls, name, value.default)

    def __init__(self, **options: object) -> None:
        for name, value in options.items():
            if name not in {known.attribute for known in self.options}:
                raise TypeError(f"{self.id} has no option {name!r}")
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self.id} is a rule and cannot be changed")

    def check(self, subject: Subject, /) -> Iterator[Finding]:
        """The findings in one subject, in any order. What the subject does not show is not judged."""
        raise NotImplementedError

    def finding(
        self,
        span: Span,
        message: str,
        *,
        notes: Iterable[Note] = (),
        fix: Fix | None = None,
        severity: Severity | None = None,
        written_out: tuple[str, ...] = (),
    ) -> Finding:
        """A finding of this rule, with the rule's own severity unless what was proven asks for another.

        `written_out` are the lines of a sum.
        """
        told = tuple(note._replace(message=shortened(note.message)) for note in notes)
        group, own = self.group, severity or self.severity
        return Finding(self.id, group, own, span, shortened(message), told, fix, written_out)


AnyRule = Rule[Any]
