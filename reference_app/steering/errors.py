"""What can be wrong with a model or an SAE on disk, or with a request for one.

CatalogueError (a ValueError)
├── UnknownSae                no such SAE under the models folder
├── UnknownModel              no such language model under the models folder
├── OutsideRoot               a path or a symbolic link leaves the models folder
├── PickleRefused             the weights are a pickle, which runs code when opened
├── UnsupportedArchitecture   a kind of model, SAE or hook nobody here can load
├── WidthMismatch             shapes do not fit: SAE to model, or file to its config
├── Contradiction             the request, or a second file, says something else
└── DamagedFile               a file is missing, truncated or not what its name says

Every message names the value that was found and what to do about it.
"""


class CatalogueError(ValueError):
    """A model or SAE cannot be used; the message says why and what to do."""


class UnknownSae(CatalogueError):
    """No SAE of this id lies under the models folder."""


class UnknownModel(CatalogueError):
    """No language model of this id lies under the models folder."""


class OutsideRoot(CatalogueError):
    """A path or symbolic link leaves the models folder."""


class PickleRefused(CatalogueError):
    """Weights in a pickle format; opening one can run any code."""


class UnsupportedArchitecture(CatalogueError):
    """An architecture or hook this application has no loader for."""


class WidthMismatch(CatalogueError):
    """Tensor shapes do not fit together."""


class Contradiction(CatalogueError):
    """Two sources disagree; the file is right until someone corrects it."""


class DamagedFile(CatalogueError):
    """A file is missing, truncated, or not of the format its name says."""
