"""Where a machine's data and models lie, under DATA_DIR."""

from dataclasses import dataclass
from pathlib import Path

from reference_app.settings import settings
from reference_app.tvae import description


@dataclass(frozen=True)
class Places:
    """The files of one machine."""

    folder: Path

    @property
    def seed(self) -> Path:
        """The seed data."""
        return self.folder / "seed.csv"

    @property
    def model(self) -> Path:
        """The folder of the trained model."""
        return self.folder / "model"

    @property
    def has_model(self) -> bool:
        """Whether a model was trained."""
        return (self.model / description.NAME).exists()

    @property
    def unfinished(self) -> Path:
        """The folder of the trainings that have not ended well yet."""
        return self.folder / "unfinished"

    def checkpoint(self, job_id: str) -> Path:
        """Return the file of a job's unfinished training."""
        return self.unfinished / job_id

    def synthetic(self, job_id: str) -> Path:
        """Return the folder of what one job generated."""
        return self.folder / "synthetic" / job_id


def of(machine_id: str, data_dir: Path | None = None) -> Places:
    """Return the places of a machine; nothing there need exist."""
    return Places((data_dir or settings().data_dir) / "gan" / machine_id)
