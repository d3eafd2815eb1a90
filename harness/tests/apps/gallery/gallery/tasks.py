from celery import shared_task
from flask import current_app


@shared_task(ignore_result=False)
def hang(picture):
    return f"{picture} in the {current_app.config['ROOM']} room"
