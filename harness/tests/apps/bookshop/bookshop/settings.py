"""Settings as a Django project has them: one module, Celery's under a prefix."""

INSTALLED = ["bookshop.orders"]

CELERY_BROKER_URL = "redis://redis.bookshop.invalid:6379/0"
CELERY_RESULT_BACKEND = "redis://redis.bookshop.invalid:6379/1"
CELERY_TASK_SOFT_TIME_LIMIT = 8
CELERY_TASK_TIME_LIMIT = 10
# A message comes back after its job was killed for certain, and soon after that.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 15,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_ACKS_LATE = True
# A lost child's job is tried again as often as a retry would be, then it has failed.
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_ANNOTATIONS = {"*": {"max_retries": 2, "default_retry_delay": 0.5}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 2
CELERY_TASK_TRACK_STARTED = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
