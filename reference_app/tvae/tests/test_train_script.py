import json

from click.testing import CliRunner

from reference_app.tvae import description, train_script
from reference_app.tvae.lines import Said, parse


def run(*options):
    return CliRunner().invoke(train_script.main, options)


def test_it_trains_and_says_so_in_lines_that_can_be_read(seeded, place):
    done = run("--machine-id", seeded, "--epochs", "4", "--job-id", "a")
    assert (done.exit_code, done.output.count("Epoch")) == (0, 0)
    done = run(
        *("--machine-id", seeded, "--epochs", "4", "--job-id", "b"),
        *("--progress-every", "2"),
    )
    losses = description.read(place.model)["losses"]
    said = [parse(line) for line in done.output.splitlines()[1:-1]]
    assert said == [
        Said(2, 4, round(losses[1], 4)),
        Said(4, 4, round(losses[3], 4)),
    ]
    assert json.loads(done.output.splitlines()[-1])["epochs_completed"] == 4


def test_what_cannot_be_trained_is_told_in_a_line(machine):
    done = run("--machine-id", machine.machine_id, "--epochs", "1", "--job-id", "a")
    assert (done.exit_code, "no seed data" in done.output) == (1, True)
