"""Doubles of pools, engines and drivers: they write down what is taken and given back, and fail when told to."""

import builtins
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

TAKING = frozenset({"SessionLocal", "Session", "acquire", "connect", "connection", "getconn"})
RETURNING = frozenset({"putconn", "release"})
MOST_STEPS = 200


class Failed(Exception):
    """What the server answers."""


class Record:
    """What happens in one run: a step is any call that is no release.

    The step at `fails_at`, counted from 1, raises `failure`. All that is asked whether it is true `is_true`.
    """

    def __init__(self, fails_at: int, failure: type[Exception], *, is_true: bool) -> None:
        self.fails_at = fails_at
        self.failure = failure
        self.is_true = is_true
        self.steps = 0
        self.taken = 0
        self.released: list[int] = []

    def step(self) -> None:
        """One more thing is done, or fails."""
        self.steps += 1
        if self.steps == self.fails_at or self.steps > MOST_STEPS:
            raise self.failure(self.steps)


class Double:
    """Stands for anything. Its name tells how it came about."""

    def __init__(self, name: str, record: Record) -> None:
        self._name = name
        self._record = record

    def __repr__(self) -> str:
        return self._name

    def __getattr__(self, name: str) -> "Double":
        if name.startswith("__"):
            raise AttributeError(name)
        return Double(f"{self._name}.{name}", self._record)

    def __call__(self, *arguments: object, **_: object) -> "Double":
        method = self._name.rpartition(".")[2]
        if method in RETURNING:
            given = next(each for each in arguments if isinstance(each, Connection))
            self._record.released.append(given.number)
            return Double("None", self._record)
        self._record.step()
        if method in TAKING:
            self._record.taken += 1
            return Connection(
                self._name, self._record.taken, self._record, is_pooled=method in {"acquire", "getconn"}
            )
        return Double(f"{self._name}()", self._record)

    def __bool__(self) -> bool:
        return self._record.is_true

    def __iter__(self) -> "Iterator[Double]":
        self._record.step()
        return iter([Double(f"{self._name}[{at}]", self._record) for at in range(2)])

    def __add__(self, other: object) -> "Double":
        return Double(f"{self._name} + {other!r}", self._record)

    def __await__(self) -> Generator[None, None, "Double"]:
        yield from ()
        return self

    def __enter__(self) -> "Double":
        self._record.step()
        return self

    def __exit__(self, *_: object) -> None:
        self._record.step()

    async def __aenter__(self) -> "Double":
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()


class Connection(Double):
    """A connection, which is given back when it is closed, unless it is a pool's. `with` ends a transaction."""

    def __init__(self, name: str, number: int, record: Record, *, is_pooled: bool) -> None:
        super().__init__(f"{name}#{number}", record)
        self.number = number
        self._is_pooled = is_pooled

    def close(self) -> "Double":
        """Closes it."""
        if not self._is_pooled:
            self._record.released.append(self.number)
        return Double("None", self._record)

    @property
    def no_autoflush(self) -> "Flag":
        """The flag of a session."""
        return Flag(self)

    def __enter__(self) -> "Double":
        if "Session" not in self._name:
            self._record.step()
        return self

    def __exit__(self, *_: object) -> None:
        if "Session" in self._name:
            self.close()
        else:
            self._record.step()


class Flag:
    """What `with` sets for a session, and takes back."""

    def __init__(self, session: Connection) -> None:
        self._session = session

    def __enter__(self) -> Connection:
        return self._session

    def __exit__(self, *_: object) -> None:
        pass


def _decorated(function: object) -> object:
    return function


class Names(dict[str, object]):
    """What the code of a run finds under its names: what Python has itself, and doubles for all else."""

    def __init__(self, record: Record) -> None:
        super().__init__(
            closing=closing,
            contextmanager=contextmanager,
            decorated=_decorated,
            print=Double("print", record),
        )
        self._record = record

    def __missing__(self, name: str) -> object:
        return vars(builtins)[name] if name in vars(builtins) else Double(name, self._record)
