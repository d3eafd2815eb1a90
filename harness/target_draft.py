"""Writes the first description of an application, for people to correct."""

import json
import re
from collections.abc import Iterable, Sequence

from harness.survey import Found, Survey

#: Proposals shown of each kind; the rest is counted.
SHOWN = 8

_HEAD = """\
# The application under test, as queueproof found it. Lines with # are proposals or
# examples: take the # away where one is right.
#
#   queueproof check --target {file}    worker-level contracts
#   pytest scenarios/ --target {file}   scenarios of your own
"""

_API = """
# With an API, contracts about jobs apply too: their endings, progress, results.
# [api]                                # "METHOD /route/{job}"
# health = "GET /health"
# status = "GET /jobs/{job}"
# cancel = "DELETE /jobs/{job}"
# job_id = "job_id"                    # names of fields in the answers
# state = "status"
#
# [words.states]                       # your word = ours: pending, started, progress,
# done = "completed"                   # completed, failed, cancelled
#
# [job.report]                         # one kind of job users submit
# submit = "POST /reports"
# payload = { size = 3 }
# expected_s = 2
# soft_s = 10
# hard_s = 15
# retries = 3                          # how often it is tried again, and after what
# transient = ["ConnectionError"]
#
# [fallback.refuse]                    # what a submit does without a broker: refuse
#                                      # or run_locally; its env where it is a setting
#
# [flag.on]                            # during the migration: new jobs go to workers,
# USE_CELERY = "true"
# [flag.off]                           # or the way of before
# USE_CELERY = "false"
"""


def draft(
    app: str, survey: Survey, *, file: str, queues: Sequence[str], why_none: str = ""
) -> str:
    """Return the text of a target file; `why_none` says why no queues are known."""
    lines = [_HEAD.format(file=file), f"app = {_quoted(app)}"]
    others = [found for found in survey.apps if found.text != app]
    lines += _proposals("app", others)
    lines.append('pythonpath = ["."]                   # relative to this file')
    if queues:
        lines.append(f"queues = {json.dumps(list(queues))}")
    else:
        lines.append(f'# queues = ["celery"]               # {why_none}')
    lines += ["", "[commands]                           # as deployed"]
    lines += _command("worker", survey.workers, app)
    lines += _command("beat", survey.beats, app)
    lines += ["", *_environment(survey.env)]
    lines.append(_API.rstrip())
    lines += _listed("Routes found in the source", survey.routes)
    lines += _listed("Events found in the source", survey.events)
    return "\n".join(lines) + "\n"


def _command(role: str, found: list[Found], app: str) -> list[str]:
    if not found:
        prefix = "" if role == "worker" else "# "
        plain = f"{{python}} -m celery -A {{app}} {role}"
        return [f"{prefix}{role} = {_quoted(plain)}"]
    first, *others = found
    return [
        f"{role} = {_quoted(portable(first.text, app))}  # {first.place}",
        *_proposals(role, [Found(portable(f.text, app), f.place) for f in others]),
    ]


def portable(command: str, app: str) -> str:
    """Return a command with interpreter and application as placeholders."""
    command = command.replace("{", "{{").replace("}", "}}")
    command = re.sub(r"^celery\b", "{python} -m celery", command)
    module = re.escape(app.partition(":")[0])
    return re.sub(
        rf"(-A|--app)[ =]({re.escape(app)}|{module}(?:\.\w+)?)(?=\s|$)",
        r"\1 {app}",
        command,
    )


def _environment(found: list[Found]) -> list[str]:
    """Return [env]; CELERY_BROKER_URL and CELERY_RESULT_BACKEND are always set."""
    lines = [
        "[env]                                # {broker} {results} {events} {data}"
    ]
    for entry in found[:SHOWN]:
        name = entry.text
        if name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
            continue
        value = "{results}" if "RESULT" in name.upper() else "{broker}"
        is_url = name.upper().endswith(("URL", "URI", "BROKER", "BACKEND"))
        prefix = "" if is_url else "# "
        lines.append(f"{prefix}{name} = {_quoted(value)}  # {entry.place}")
    return lines


def _proposals(key: str, found: Iterable[Found]) -> list[str]:
    entries = list(found)[:SHOWN]
    return [f"# {key} = {_quoted(e.text)}  # {e.place}" for e in entries]


def _listed(title: str, found: list[Found]) -> list[str]:
    if not found:
        return []
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    lines = [f"# {title}{more}:"]
    return [*lines, *(f"#   {f.text}  ({f.place})" for f in found[:SHOWN])]


def _quoted(text: str) -> str:
    """Return a TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)
