"""What the fork server of the local path imports last: what jobs would import later.

Their modules are imported by then. Each process of a job is a copy of this one, so
what costs seconds is imported once, and its memory is shared. Imports only: a fork of a
process in which a tensor operation has run hangs.
"""

import sys

for _name, _module in list(sys.modules.items()):
    if _name.startswith("reference_app."):
        _preload = getattr(_module, "preload", None)
        if _preload is not None:
            _preload()
