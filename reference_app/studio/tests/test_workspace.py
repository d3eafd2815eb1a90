import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from reference_app.studio import workspace as module
from reference_app.studio.workspace import WrongFolder, clean, stale

DAY_S = 86_400


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "workspaces"
    found.mkdir()
    return found


def aged(path: Path, days: float = 2) -> Path:
    then = time.time() - days * DAY_S
    os.utime(path, (then, then), follow_symlinks=False)
    return path


def workspace(folder: Path, name: str, days: float = 2) -> Path:
    place = folder / name
    (place / "src").mkdir(parents=True)
    (place / "src" / "main.py").write_text("print('work')")
    for path in (place / "src" / "main.py", place / "src", place):
        aged(path, days)
    return place


def test_what_nobody_has_touched_for_long_goes_and_the_rest_stays(folder):
    workspace(folder, "old")
    workspace(folder, "young", days=0.5)
    (folder / "note.txt").write_text("x")
    aged(folder / "note.txt")
    assert clean(folder, DAY_S) == ["note.txt", "old"]
    assert [path.name for path in folder.iterdir()] == ["young"]
    assert clean(folder, DAY_S) == []


def test_after_each_that_goes_the_disk_is_left_to_others(folder, monkeypatch):
    for name in ("a", "b", "c"):
        workspace(folder, name)
    workspace(folder, "young", days=0.5)
    rests = []

    class Rest:
        def wait(self, seconds):
            rests.append((seconds, sorted(path.name for path in folder.iterdir())))

    monkeypatch.setattr(module, "threading", SimpleNamespace(Event=Rest))
    assert clean(folder, DAY_S, rest_s=0.1) == ["a", "b", "c"]
    left = [["b", "c", "young"], ["c", "young"], ["young"]]
    assert rests == [(0.1, names) for names in left]


def test_a_dry_run_lists_and_removes_nothing(folder):
    workspace(folder, "old")
    assert stale(folder, DAY_S) == ["old"]
    assert (folder / "old" / "src" / "main.py").exists()


@pytest.mark.parametrize("touched", ["src/main.py", "src", "."])
def test_one_young_thing_deep_inside_keeps_a_workspace(folder, touched):
    place = workspace(folder, "old")
    aged(place / touched, days=0)
    assert clean(folder, DAY_S) == []
    assert (place / "src" / "main.py").exists()


def test_a_link_is_removed_and_what_it_leads_to_stays(folder, tmp_path):
    treasure = workspace(tmp_path, "treasure")
    (folder / "link").symlink_to(treasure)
    (folder / "gone").symlink_to("nowhere")
    aged(folder / "link")
    aged(folder / "gone")
    inside = workspace(folder, "old") / "src" / "link"
    inside.symlink_to(treasure)
    for path in (inside, inside.parent, folder / "old"):
        aged(path)
    assert clean(folder, DAY_S) == ["gone", "link", "old"]
    assert (treasure / "src" / "main.py").exists()


def test_a_folder_that_is_a_link_or_a_file_is_refused_by_name(folder, tmp_path):
    workspace(folder, "old")
    link = tmp_path / "link"
    link.symlink_to(folder)
    file = tmp_path / "file"
    file.write_text("")
    for wrong in (link, file, Path("/")):
        with pytest.raises(WrongFolder, match=f"^{wrong}: .*WORKSPACES_DIR"):
            clean(wrong, DAY_S)
    assert (folder / "old").exists()


def test_no_folder_yet_is_nothing_to_clean(tmp_path):
    assert clean(tmp_path / "nobody" / "worked", 0) == []


def test_one_that_cannot_be_removed_does_not_keep_the_others(folder, monkeypatch):
    for name in ("a", "b"):
        workspace(folder, name)
    unlink = os.unlink

    def refuse(path, **options):
        if "a" in os.readlink(f"/proc/self/fd/{options['dir_fd']}").split("/"):
            raise PermissionError(path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    assert clean(folder, DAY_S) == ["b"]
    assert (folder / "a" / "src" / "main.py").exists()
