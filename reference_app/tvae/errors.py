"""What can be wrong with a machine, its data, its model, or a training.

GanError (a ValueError)
├── ProfileError      a machine's description is not usable
├── UnknownMachine    nobody described this machine
├── NoSeedData        the machine has no readable seed data to learn from
├── NoModel           the machine has no readable trained model
├── Diverged          a training went wrong, its loss is no number any more
├── ScriptFailed      the external training script failed
└── TryLater          what is missing may be there again in a while

Every message names the value that was found and what to do about it.
"""


class GanError(ValueError):
    """Something about a machine's data or model is wrong; the message says what."""


class ProfileError(GanError):
    """A machine's description is not usable."""


class UnknownMachine(GanError):
    """Nobody described a machine of this id."""


class NoSeedData(GanError):
    """The machine has no readable seed data."""


class NoModel(GanError):
    """The machine has no readable trained model."""


class Diverged(GanError):
    """A training went wrong: its loss is no number any more."""


class ScriptFailed(GanError):
    """The external training script ended with an error, or left no model."""


class TryLater(GanError):
    """What is missing may be there again in a while: room on the disk, say."""
