"""The Celery side of the machines' models: which function a message runs.

What trains in this application's own process, and what is quick, is `gan.*`; what
trains in a process of its own is `ml.*`, so that a queue can be given to each.
"""

from reference_app.broker import app
from reference_app.job_task import JobTask


class TrainTvae(JobTask):
    """Train the model of a machine."""

    name = "gan.train_tvae"
    function = "reference_app.tvae.work:train"


class GenerateData(JobTask):
    """Generate train, validation and test files with a machine's model."""

    name = "gan.generate_data"
    function = "reference_app.tvae.work:generate"


class GenerateSeedData(JobTask):
    """Simulate a machine's telemetry."""

    name = "gan.generate_seed_data"
    function = "reference_app.tvae.seed_data:make"


class TrainByScript(JobTask):
    """Train the model of a machine in an external process."""

    name = "ml.train_by_script"
    function = "reference_app.tvae.script:train"


train_tvae = app.register_task(TrainTvae())
generate_data = app.register_task(GenerateData())
generate_seed_data = app.register_task(GenerateSeedData())
train_by_script = app.register_task(TrainByScript())

#: By name, for a retry.
BY_NAME = {
    task.name: task
    for task in (train_tvae, generate_data, generate_seed_data, train_by_script)
}
