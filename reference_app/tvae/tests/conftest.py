"""A folder for data, a machine, and a context that records; small tables only."""

import pytest

from reference_app.settings import PACKAGED_MACHINES, settings
from reference_app.tvae import machines, places, table, telemetry
from reference_app.tvae.transform import Transform

MACHINE = "motor_siemens_001"


class RecordingContext:
    """What a job function gets, keeping what it reports.

    `on_check` runs at every check for a cancel, with the number of the check.
    """

    def __init__(self, job_id="job-1", on_check=lambda count: None, attempt=1):
        self.job_id, self.attempt = job_id, attempt
        self.reports, self.marks = [], []
        self.checks = 0
        self._on_check = on_check

    def report(self, percent, message, *, force=False, **data):
        self.reports.append((percent, message, data))

    def mark(self, name):
        self.marks.append(name)

    def check_cancelled(self):
        self.checks += 1
        self._on_check(self.checks)


@pytest.fixture
def new_context():
    return RecordingContext


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Return a function that sets variables and reads the settings again."""

    def configure(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        settings.cache_clear()
        return settings()

    configure(DATA_DIR=tmp_path / "data")
    yield configure
    settings.cache_clear()


@pytest.fixture(scope="session")
def rows():
    """300 rows, for tests that change nothing in them."""
    motor = machines._read(PACKAGED_MACHINES / f"{MACHINE}.json")
    return telemetry.simulate(motor, 300, seed=1)


@pytest.fixture(scope="session")
def transform(rows):
    """Their transform, fitted once."""
    return Transform.fit(rows, seed=0, components=4)


@pytest.fixture
def machine(configured):
    return machines.find(MACHINE)


@pytest.fixture
def place(machine):
    return places.of(machine.machine_id)


@pytest.fixture
def seeded(machine, place):
    """The machine with 600 rows of seed data."""
    table.write(telemetry.simulate(machine, 600, seed=3), place.seed)
    return machine.machine_id


@pytest.fixture
def training_request(seeded):
    def make(**changes):
        return {
            "machine_id": seeded,
            "epochs": 6,
            "seed": 5,
            "progress_every": 2,
        } | changes

    return make
