"""The places on the device are files in a temporary folder of each process."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="memory-lease-in-tmp",
    contract="memory.device-is-not-overbooked",
    why="`/tmp` is there everywhere, and each container has its own: everybody locks "
    "a file, and nobody the same.",
    overlay=(
        Replace(
            path="reference_app/device.py",
            old="    return Path(settings().device_dir "
            'or settings().data_dir / "devices")\n',
            new="    import tempfile\n\n    return Path(tempfile.mkdtemp())\n",
        ),
    ),
)
