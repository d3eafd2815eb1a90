#!/usr/bin/env bash
# Make a container engine available on a bare Debian or Ubuntu machine, and stop it again.
# An engine that already answers is used, and never stopped.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: ci/engine.sh up|down|status

  up      use the engine that answers; else install docker.io, start dockerd, wait for it
  down    remove our containers and networks and stop dockerd, if \`up\` started it
  status  say what answers and whose it is (exit 4 where nothing answers)

DOCKER_HOST                   the engine to use or to start (unix:///var/run/docker.sock)
QUEUEPROOF_ENGINE_STATE       folder of marker and log (.qp/engine)
QUEUEPROOF_DOCKERD_ARGS       more arguments for dockerd, such as --storage-driver=vfs

Exit: 0 done, 2 wrong use, 4 no engine can be had here."

export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
state=${QUEUEPROOF_ENGINE_STATE:-$PWD/.qp/engine}
marker=$state/started # "PID STARTTIME" of the dockerd that `up` started
log=$state/dockerd.log
ready_within_s=30
stop_within_s=20

fail() { # CAUSE REMEDY [LOG]
  echo "engine: $1. Remedy: $2" >&2
  if [ -s "${3:-}" ]; then tail -n 12 "$3" | sed 's/^/engine: | /' >&2; fi
  exit 4
}

server() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }

# Field 22 of stat, counted behind the name, which may hold blanks. With the pid it
# names one process, also after pids were used again.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

ours() { # succeeds, with the pid in $pid, while the dockerd that `up` started lives
  local at
  read -r pid at 2>/dev/null <"$marker" && [ "$(started_at "$pid")" = "$at" ]
}

install() {
  local packages="docker.io iptables"
  command -v apt-get >/dev/null ||
    fail "no dockerd and no apt-get here" "install a container engine, or set DOCKER_HOST"
  echo "engine: installing docker.io with apt-get" >&2
  # The package index of a fresh image is empty or too old; updating takes seconds.
  apt-get update -qq >"$state/apt.log" 2>&1 || true
  # From Debian 13 on the client is a package of its own, and only recommended.
  if apt-cache show docker-cli >/dev/null 2>&1; then packages+=" docker-cli"; fi
  # shellcheck disable=SC2086  # several packages are meant
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    $packages >>"$state/apt.log" 2>&1 ||
    fail "apt-get could not install docker.io" \
      "see $state/apt.log, or install an engine by hand" "$state/apt.log"
}

up() {
  local version deadline pid
  if version=$(server); then
    echo "engine: $version at $DOCKER_HOST, $(ours && echo ours || echo not ours), in use"
    return
  fi
  [[ $DOCKER_HOST = unix://* ]] ||
    fail "nothing answers at DOCKER_HOST=$DOCKER_HOST" "start that engine, or unset DOCKER_HOST"
  [ "$(id -u)" = 0 ] ||
    fail "nothing answers at $DOCKER_HOST and starting dockerd needs root" \
      "start docker, join its group, or run as root"
  mkdir -p "$state"
  SECONDS=0
  if ! { command -v docker && command -v dockerd; } >/dev/null; then install; fi

  # Its networks get /24s: docker's own pools hold about thirty networks only.
  # shellcheck disable=SC2086  # several arguments are meant
  setsid nohup dockerd --host "$DOCKER_HOST" --pidfile "$state/dockerd.pid" \
    --log-level warn --shutdown-timeout 5 \
    --default-address-pool base=10.213.0.0/16,size=24 \
    ${QUEUEPROOF_DOCKERD_ARGS:-} >"$log" 2>&1 </dev/null &
  pid=$!
  echo "$pid $(started_at $pid)" >"$marker" # at once: an interrupted `up` can be undone
  deadline=$((SECONDS + ready_within_s))
  until version=$(server); do
    kill -0 $pid 2>/dev/null || fail "dockerd ended while it started" "$(hint)" "$log"
    if [ $SECONDS -ge $deadline ]; then
      kill -KILL $pid
      rm -f "$marker"
      fail "dockerd did not answer within $ready_within_s s" "$(hint)" "$log"
    fi
    sleep 0.05
  done
  echo "engine: $version at $DOCKER_HOST, started in $SECONDS s (pid $pid, log $log)"
}

hint() {
  if grep -qi 'already running\|pid file found' "$log"; then
    echo "another dockerd is starting or hangs: wait for it or stop it"
  elif grep -qi 'iptables\|nf_tables' "$log"; then
    echo "the kernel or a right lacks for iptables: run privileged"
  elif grep -qi 'cgroup' "$log"; then
    echo "no cgroups are mounted: apt-get install cgroupfs-mount"
  elif grep -qi 'overlay\|graphdriver' "$log"; then
    echo "try QUEUEPROOF_DOCKERD_ARGS=--storage-driver=vfs"
  else
    echo "see the end of its log"
  fi
}

down() {
  local pid deadline
  if ! ours; then
    rm -f "$marker"
    echo "engine: not started by us, left alone"
    return
  fi
  docker ps --all --quiet --filter label=queueproof.owner | xargs -r docker rm --force --volumes >/dev/null
  docker network ls --quiet --filter label=queueproof.owner | xargs -r docker network rm >/dev/null
  kill -TERM "$pid"
  deadline=$((SECONDS + stop_within_s))
  while ours; do
    if [ $SECONDS -ge $deadline ]; then kill -KILL "$pid"; fi
    sleep 0.05
  done
  rm -f "$marker"
  echo "engine: stopped (pid $pid)"
}

status() {
  local version pid
  version=$(server) || fail "nothing answers at $DOCKER_HOST" "ci/engine.sh up"
  echo "engine: $version at $DOCKER_HOST, $(ours && echo "ours (pid $pid)" || echo not ours)"
}

case "${1:-} $#" in
  "up 1" | "down 1" | "status 1") "$1" ;;
  *) echo "$usage" >&2; exit 2 ;;
esac
