import json

import pytest

from reference_app.tvae import machines
from reference_app.tvae.errors import ProfileError, UnknownMachine
from reference_app.tvae.machines import Machine


@pytest.fixture
def describe(configured, tmp_path):
    """Describe the motor in a folder of its own, with changes; None takes away."""
    packaged = configured().machines_dir / "motor_siemens_001.json"
    configured(MACHINES_DIR=tmp_path)

    def write(name="motor_siemens_001", **changes):
        profile = json.loads(packaged.read_text()) | changes
        kept = {key: value for key, value in profile.items() if value is not None}
        (tmp_path / f"{name}.json").write_text(json.dumps(kept))

    return write


def test_the_packaged_machines_are_usable(configured):
    found = machines.known()
    assert "motor_siemens_001" in [machine.machine_id for machine in found]
    assert all(machine.ranges["rpm"][1] > machine.rated_rpm for machine in found)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rated_rpm": 0}, r"rated_rpm.*got 0"),
        ({"rated_rpm": "fast"}, r"rated_rpm.*got fast"),
        ({"rated_current_a": -1}, "rated_current_a"),
        ({"no_load_current": 1}, "no_load_current"),
        ({"temperature_rise_c": None}, "temperature_rise_c.*required"),
        ({"ambient_c": float("nan")}, "ambient_c"),
        ({"state_shares": [0.5, 0.5, 0.5, 0.5]}, "add up to 2"),
        ({"state_shares": [1, 0, 0]}, "state_shares"),
        ({"state_shares": [1.5, -0.5, 0, 0]}, "state_shares"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_description_that_cannot_be_is_refused_by_name(describe, changes, named):
    describe(**changes)
    with pytest.raises(ProfileError, match=named):
        machines.find("motor_siemens_001")


def test_a_file_that_is_no_json_is_refused_by_name(configured, tmp_path):
    configured(MACHINES_DIR=tmp_path)
    (tmp_path / "press.json").write_text("{")
    with pytest.raises(ProfileError, match=r"press\.json"):
        machines.known()


def test_file_and_machine_have_one_name(describe):
    describe(name="pump")
    with pytest.raises(ProfileError, match="motor_siemens_001"):
        machines.find("pump")


def test_an_unknown_machine_is_told_with_those_there_are(describe):
    describe()
    with pytest.raises(UnknownMachine, match=r"'press'.*motor_siemens_001"):
        machines.find("press")


def test_a_machine_is_not_changed_by_accident(configured):
    machine = machines.find("motor_siemens_001")
    with pytest.raises(ValueError, match="frozen"):
        machine.rated_rpm = 1
    assert isinstance(machine, Machine)
