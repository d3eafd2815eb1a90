from celery import shared_task


@shared_task
def total(prices):
    return sum(prices)


@shared_task
def refuse(order):
    raise ValueError(f"order {order} has no items")
