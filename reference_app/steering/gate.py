"""Who may submit now: the rate limit of each client, and the circuit breaker.

Asked before a request is even read: rate limit, then circuit, then validation, as in
the steering plan. A client is its address; behind a proxy, that of its X-Forwarded-For,
which uvicorn believes from the addresses in FORWARDED_ALLOW_IPS only.
"""

import math
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import Engine

from reference_app import endings
from reference_app.circuit_breaker import Circuit, CircuitBreaker
from reference_app.rate_limit import RateLimit
from reference_app.settings import settings

DOMAIN = "steering"

router = APIRouter(tags=["steering"])


class CircuitBreakerStatus(BaseModel):
    """Whether steering is available, and when it is worth another try."""

    state: Circuit
    failures: int
    threshold: int
    retry_after_s: float


def breaker() -> CircuitBreaker:
    """Return the circuit of steering."""
    found = settings()
    return _breaker(
        endings.store().engine,
        found.steering_breaker_failures,
        found.steering_breaker_reset_after,
    )


def may_submit(request: Request) -> None:
    """Let a submit pass, or refuse it before anything is recorded or sent.

    Raises:
        HTTPException: 429 or 503, with Retry-After in seconds.
    """
    client = request.client.host if request.client else "unknown"
    wait_s = _rate_limit().hit(client)
    if wait_s is not None:
        _refuse(429, f"Too many submits; try again in {wait_s} s.", wait_s)
    status = breaker().status()
    if status.retry_after_s > 0:
        wait_s = math.ceil(status.retry_after_s)
        text = f"Steering failed {status.failures} times in a row"
        _refuse(503, f"{text}; try again in {wait_s} s.", wait_s)


@router.get("/circuit-breaker")
def circuit_breaker(
    circuit: Annotated[CircuitBreaker, Depends(breaker)],
) -> CircuitBreakerStatus:
    """Tell whether submits are let through."""
    return CircuitBreakerStatus(**vars(circuit.status()))


@router.post("/circuit-breaker/reset")
def reset_circuit_breaker(
    circuit: Annotated[CircuitBreaker, Depends(breaker)],
) -> CircuitBreakerStatus:
    """Let submits through again, at once: the cause is removed."""
    circuit.reset()
    return CircuitBreakerStatus(**vars(circuit.status()))


@lru_cache(maxsize=1)
def _breaker(engine: Engine, failures: int, reset_after_s: float) -> CircuitBreaker:
    return CircuitBreaker(engine, DOMAIN, failures, reset_after_s)


def _rate_limit() -> RateLimit:
    found = settings()
    return _limit(
        found.events_url, found.steering_rate_limit, found.steering_rate_window
    )


@lru_cache(maxsize=1)
def _limit(url: str, count: int, window_s: int) -> RateLimit:
    return RateLimit(url, f"{DOMAIN}.submit", count, window_s)


def _refuse(code: int, text: str, wait_s: int) -> None:
    raise HTTPException(code, text, headers={"Retry-After": str(wait_s)})
