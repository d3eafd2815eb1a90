import errno
import os

import pytest

from reference_app.disk import or_later
from reference_app.tvae.errors import TryLater
from reference_app.tvae.files import digest, replacing, write_json


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "model.json"
    write_json(path, {"epoch": 1})
    before = digest(path)

    def write_half():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert digest(path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.json"]


def test_a_full_disk_is_worth_another_attempt_and_a_wrong_folder_is_not(tmp_path):
    with pytest.raises(TryLater, match="No space left"), or_later(TryLater):
        raise OSError(errno.ENOSPC, "No space left on device")
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        write_json(tmp_path / "file" / "model.json", {})


def test_another_user_can_read_what_a_job_wrote(tmp_path):
    before = os.umask(0o077)
    try:
        write_json(tmp_path / "model.json", {})
    finally:
        os.umask(before)
    assert (tmp_path / "model.json").stat().st_mode & 0o777 == 0o644


def test_equal_content_has_an_equal_digest(tmp_path):
    for name, value in (("a", 1), ("b", 1), ("c", 2)):
        write_json(tmp_path / name, {"value": value})
    a, b, c = (digest(tmp_path / name) for name in "abc")
    assert a == b != c
