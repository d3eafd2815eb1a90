"""Who makes the lock's file has the device, and removes the file after it."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-lock-file",
    contract="memory.device-is-not-overbooked",
    why="One at a time, as it should be, until the first SIGKILL: nobody removes the "
    "file of a dead job, and nobody gets the device any more.",
    overlay=(
        Replace(
            path="reference_app/patterns/gpu_lease.py",
            old='        place = (folder / f"{device}.{number}.lock").open("a+")\n'
            "        try:\n"
            "            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
            "        except BlockingIOError:\n"
            "            place.close()\n",
            new="        try:\n"
            '            place = (folder / f"{device}.{number}.lock").open("x+")\n'
            "        except FileExistsError:\n"
            "            continue\n",
        ),
        Replace(
            path="reference_app/patterns/gpu_lease.py",
            old="        yield number\n",
            new="        try:\n"
            "            yield number\n"
            "        finally:\n"
            "            os.unlink(place.name)\n",
        ),
    ),
)
