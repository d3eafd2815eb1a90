from gallery import create_app, tasks  # noqa: F401

flask_app = create_app()
app = flask_app.extensions["celery"]
