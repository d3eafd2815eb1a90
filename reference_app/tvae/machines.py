"""The machines: who they are, and what their sensors may physically read.

A machine is described by `<machine_id>.json` in MACHINES_DIR. Four numeric columns and
the operating state:

    temperature_c    winding temperature, °C; -40 to 155 (insulation class F)
    vibration_mm_s   velocity, RMS; 0 to 45 (above 11 a large machine is damaged)
    current_a        per phase; 0 to 2.5 times the rated current
    rpm              shaft speed; 0 to 1.5 times the rated speed
    state            idle, normal, high_load or fault
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reference_app.settings import settings
from reference_app.tvae.errors import ProfileError, UnknownMachine

STATES = ("idle", "normal", "high_load", "fault")
COLUMNS = ("temperature_c", "vibration_mm_s", "current_a", "rpm", "state")

#: A machine's id is a file name, too.
ID_PATTERN = r"^[a-z0-9][a-z0-9_]{0,63}$"

#: How far the four shares of time may be from 1 in all, for rounded numbers.
SHARES_WITHIN = 1e-6

Share = Annotated[float, Field(ge=0, le=1)]


class Machine(BaseModel):
    """One machine as its maker and its site describe it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    machine_id: str = Field(pattern=ID_PATTERN)
    name: str = Field(min_length=1, max_length=100)
    rated_rpm: float = Field(ge=100, le=20_000)
    rated_current_a: float = Field(gt=0, le=2_000)
    #: Share of the rated current that flows without load.
    no_load_current: float = Field(gt=0, lt=1)
    ambient_c: float = Field(ge=-20, le=50)
    #: Above ambient, at rated current.
    temperature_rise_c: float = Field(gt=0, le=80)
    #: At rated speed, in good order.
    vibration_mm_s: float = Field(gt=0, le=7.1)
    #: Shares of time, in the order of STATES.
    state_shares: tuple[Share, Share, Share, Share]

    @model_validator(mode="after")
    def _shares_are_all_the_time(self) -> Self:
        total = sum(self.state_shares)
        if abs(total - 1) > SHARES_WITHIN:
            raise ValueError(f"state_shares must add up to 1, but add up to {total:g}")
        return self

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest possible reading of each numeric column."""
        return {
            "temperature_c": (-40.0, 155.0),
            "vibration_mm_s": (0.0, 45.0),
            "current_a": (0.0, 2.5 * self.rated_current_a),
            "rpm": (0.0, 1.5 * self.rated_rpm),
        }


def known() -> list[Machine]:
    """Return all machines, by id.

    Raises:
        ProfileError: a description is not usable.
    """
    return [_read(path) for path in sorted(settings().machines_dir.glob("*.json"))]


def find(machine_id: str) -> Machine:
    """Return one machine; its id must match ID_PATTERN.

    Raises:
        UnknownMachine: nobody described it.
        ProfileError: its description is not usable.
    """
    path = settings().machines_dir / f"{machine_id}.json"
    if not path.is_file():
        names = [path.stem for path in settings().machines_dir.glob("*.json")]
        raise UnknownMachine(
            f"There is no machine {machine_id!r}; there are {sorted(names)}. "
            f"Describe it in {path.name} under MACHINES_DIR."
        )
    return _read(path)


def _read(path: Path) -> Machine:
    try:
        machine = Machine.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ProfileError(f"{path} describes no machine: {_told(error)}") from None
    if machine.machine_id != path.stem:
        raise ProfileError(
            f"{path} describes {machine.machine_id!r}. Give file and machine one name."
        )
    return machine


def _told(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}"
        f" (got {str(each['input'])[:80]})"
        for each in error.errors()
    )
