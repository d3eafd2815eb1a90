"""The application's tasks; pytest-celery copies this file into its worker."""

import threading

from celery import shared_task


@shared_task
def add(left, right):
    return left + right


@shared_task
def render(seconds):
    threading.Event().wait(seconds)
    return seconds
