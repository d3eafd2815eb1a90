"""Whose a container is, and the end of those whose owner is dead.

Labels stay when a run is killed together with its keeper (a machine that lost its
power, a CI job that was thrown away). The owner is told by more than a pid: a pid means
nothing without its start time, its boot and its pid namespace.
"""

import os
from pathlib import Path

from harness.engines.remains import Remains
from harness.keeper import pid_namespace, read_stat

RUN_LABEL = "queueproof.run"
OWNER_LABEL = "queueproof.owner"

#: States of a container in which nothing runs.
ENDED = ("created", "exited", "dead")


def owner() -> str:
    """Return the label of what this process owns."""
    stat = read_stat(os.getpid())
    start_time = 0 if stat is None else stat.start_time
    return ":".join((str(os.getpid()), str(start_time), _boot(), pid_namespace()))


def is_dead(label: str, *, running: bool) -> bool:
    """Whether this owner is certainly gone.

    Of another pid namespace nothing is certain. What runs was started in this boot of
    its machine, so with the label of another boot it is another machine's.
    """
    try:
        pid, start_time, boot, namespace = label.split(":", 3)
        stat = read_stat(int(pid))
        started = int(start_time)
    except ValueError:
        return False  # not a label of ours
    if namespace != pid_namespace():
        return False
    if boot != _boot():
        return not running
    return stat is None or stat.start_time != started


def reap(docker_socket: str) -> int:
    """Remove what dead owners left; return how many containers and networks.

    Raises:
        OSError: no daemon answers there.
    """
    remains = Remains(docker_socket, OWNER_LABEL)
    containers = [
        each["Id"]
        for each in remains.containers()
        if is_dead(each["Labels"][OWNER_LABEL], running=each["State"] not in ENDED)
    ]
    for id in containers:
        remains.remove_container(id)
    networks = [
        each["Id"]
        for each in remains.networks()
        if is_dead(each["Labels"][OWNER_LABEL], running=bool(each.get("Containers")))
    ]
    for id in networks:
        remains.remove_network(id)
    return len(containers) + len(networks)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
