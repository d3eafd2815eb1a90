import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from ci.images import recipes
from ci.images.closure import EXPECTED_BY_WHEELS, LIBC, beside_libc, libraries
from ci.images.contents import Copy, Folder, Link, Text, digest, tree, write


def _program(folder, name, text="#!/bin/sh\n"):
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_closure_of_a_program_holds_its_loader_and_the_c_library():
    names = {path.name for path in libraries([Path(sys.executable)])}
    assert LIBC in names
    assert any(name.startswith("ld-") for name in names)


def test_what_a_wheel_expects_is_found_beside_the_c_library():
    assert LIBC in {path.name for path in beside_libc(EXPECTED_BY_WHEELS)}
    assert beside_libc(["libnobody.so.9"]) == set()


def test_the_same_contents_have_the_same_hash_whenever_they_were_written(tmp_path):
    program = _program(tmp_path, "a")
    first = digest({"/a": Copy(program), "/b": Link("a")}, ("ENV A=1",))
    os.utime(program, (1, 1))
    assert digest({"/b": Link("a"), "/a": Copy(program)}, ("ENV A=1",)) == first


def test_every_change_of_an_image_changes_its_hash(tmp_path):
    program = _program(tmp_path, "a")
    hashes = [digest({"/a": Copy(program)}, ())]
    hashes.append(digest({"/a": Copy(program)}, ("ENV A=1",)))
    hashes.append(digest({"/elsewhere": Copy(program)}, ()))
    hashes.append(digest({"/a": Copy(program), "/b": Text("")}, ()))
    program.chmod(0o700)
    hashes.append(digest({"/a": Copy(program)}, ()))
    program.write_text("#!/bin/bash\n")
    hashes.append(digest({"/a": Copy(program)}, ()))
    assert len(set(hashes)) == len(hashes)


def test_a_module_compiled_later_is_no_other_image(tmp_path):
    (tmp_path / "a.py").write_text("")
    before = digest(tree(tmp_path), ())
    (tmp_path / "a.cpython-311.pyc").write_bytes(b"\0")
    assert len(tree(tmp_path)) == 2
    assert digest(tree(tmp_path), ()) == before


def test_a_tree_keeps_links_and_leaves_out_what_is_named(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a.py").write_text("")
    (tmp_path / "kept" / "b.py").symlink_to("a.py")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "c.py").write_text("")
    assert tree(tmp_path, without=frozenset({"tests"})) == {
        f"{tmp_path}/kept/a.py": Copy(tmp_path / "kept" / "a.py"),
        f"{tmp_path}/kept/b.py": Link("a.py"),
    }


def test_the_tar_has_folders_first_and_keeps_mode_and_time(tmp_path):
    program = _program(tmp_path, "program")
    os.utime(program, (1_700_000_000, 1_700_000_000))
    stream = io.BytesIO()
    contents = {
        "/usr/bin/program": Copy(program),
        "/bin": Link("usr/bin"),
        "/tmp": Folder(0o1777),
        "/etc/group": Text("root:x:0:\n"),
    }
    write(contents, stream)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as tar:
        members = {member.name: member for member in tar}
        assert tar.extractfile("etc/group").read() == b"root:x:0:\n"
    assert " ".join(members) == "bin etc etc/group tmp usr usr/bin usr/bin/program"
    assert members["usr/bin/program"].mode == 0o755
    assert members["usr/bin/program"].mtime == 1_700_000_000
    assert members["tmp"].mode == 0o1777
    assert members["bin"].linkname == "usr/bin"
    assert {member.uid for member in members.values()} == {0}


def test_the_server_that_is_named_goes_into_the_image(tmp_path):
    server = shutil.copy(shutil.which("sleep"), tmp_path / "my-server")
    image = recipes.redis({"REDIS_SERVER": str(server), "PATH": os.environ["PATH"]})
    assert image.contents["/usr/local/bin/redis-server"] == Link(str(server))
    assert image.contents[str(server)] == Copy(Path(server))
    assert image.reference == f"queueproof-redis:{digest(*_of(image))}"


def test_a_server_that_is_no_program_is_named(tmp_path):
    with pytest.raises(recipes.CannotMake, match="REDIS_SERVER='/nowhere'"):
        recipes.redis({"REDIS_SERVER": "/nowhere", "PATH": str(tmp_path)})


def test_the_interpreter_lies_where_the_environment_looks_for_it():
    contents = recipes.python().contents
    interpreter = Path(sys.executable).resolve()
    assert contents[str(interpreter)] == Copy(interpreter)
    path = Path(sys.executable)
    while path.is_symlink():
        path = path.parent / os.readlink(path)
        assert str(path) in contents or path.is_relative_to(sys.prefix), path
    assert f"{Path(os.__file__)}" in contents
    assert not [path for path in contents if "/site-packages/" in path]


def _of(image):
    return image.contents, image.settings
