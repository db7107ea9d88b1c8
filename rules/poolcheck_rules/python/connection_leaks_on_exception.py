"""A connection that is given back unless an exception comes in between."""

from collections.abc import Iterator

from poolcheck.finding import Finding, Note, Severity
from poolcheck.read.python.facts import PythonModule
from poolcheck.read.python.leaks.following.outcome import Fate, Outcome
from poolcheck.read.python.leaks.mending.fixes import fix_of
from poolcheck.read.python.leaks.taking.checkouts import Checkout
from poolcheck.read.python.leaks.taking.ways_out import where_it_raises
from poolcheck.read.python.project.roles import Role
from poolcheck.rule import Rule


class ConnectionLeaksOnException(Rule[PythonModule]):
    id = "connection-leaks-on-exception"
    severity = Severity.WARNING
    since = "0.1"

    def check(self, module: PythonModule) -> Iterator[Finding]:
        for checkout in module.checkouts:
            fate = checkout.fate
            if fate is None or checkout.role is Role.TEST:
                continue
            if fate.outcome is Outcome.SKIPPED_ON_EXCEPTION:
                yield self.skipped(checkout, fate, module)
            elif fate.outcome in {Outcome.CANCELLED, Outcome.SET_UP_UNGUARDED}:
                yield self.finding(
                    checkout.span, advice(checkout, fate, module), notes=what_ends(fate), severity=Severity.INFO
                )

    def skipped(self, checkout: Checkout, fate: Fate, module: PythonModule) -> Finding:
        """What any exception keeps from being given back."""
        notes = where_it_raises(fate, module.module.source.text)
        severity = self.severity.milder if checkout.runs_once else None
        fix = fix_of(checkout, module.module, module.checkouts)
        return self.finding(checkout.span, message(checkout), notes=notes, fix=fix, severity=severity)


def message(checkout: Checkout) -> str:
    """What does not happen, and what comes of it."""
    if checkout.is_opened:
        return f"an exception keeps {checkout.function}() from closing what {checkout.title} opens"
    consequence = f": {checkout.consequence}" if checkout.consequence else ""
    return f"an exception keeps {checkout.function}() from giving back what {checkout.title} takes{consequence}"


def advice(checkout: Checkout, fate: Fate, module: PythonModule) -> str:
    """What hardly ever happens and is not guarded against."""
    kept = f"{checkout.function}() from " + (
        f"closing what {checkout.title} opens"
        if checkout.is_opened
        else f"giving back what {checkout.title} takes"
    )
    if fate.outcome is Outcome.SET_UP_UNGUARDED:
        return f"a set-up that fails keeps {kept}"
    is_left = is_of_generator(fate, module)
    return f"a loop that is left early keeps {kept}" if is_left else f"a task that is cancelled keeps {kept}"


def is_of_generator(fate: Fate, module: PythonModule) -> bool:
    """Whether it is a `yield` that nobody may go on from."""
    return fate.decided_at is not None and module.module.source.text.startswith("yield", fate.decided_at.start)


def what_ends(fate: Fate) -> Iterator[Note]:
    """Where it ends, and what does not happen."""
    if fate.decided_at:
        if fate.outcome is Outcome.SET_UP_UNGUARDED:
            yield Note(fate.decided_at, "if this raises, before the try")
        else:
            yield Note(fate.decided_at, "if it ends here")
    if fate.release:
        yield Note(fate.release, "this does not happen")
