"""Acts as the user: submits, watches, cancels and asks, and writes down every answer.

Words of the application are translated by the target's tables. Events are handled one
after the other in the order of the wire; on a terminal one the result is asked for at
once, in the same breath, as a page does that wants to show it.
"""

import itertools
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from harness import plain_http
from harness.answer import digest, fields_of, shape
from harness.errors import (
    NeverHappened,
    NotApplicable,
    StackError,
    TargetError,
    TooSlow,
)
from harness.recorder import Recorder
from harness.replica import Replica
from harness.subscriber import Subscriber
from harness.target import TERMINAL, Api, Target
from harness.wait import wait_until

#: Seconds an HTTP answer may take before it counts as none.
ANSWER_WITHIN_S = 15.0

#: Seconds after which a user gives up who only wants to know whether a job was taken.
GIVE_UP_S = 5.0

#: Seconds between two looks at a job's state.
POLL_S = 0.05


class Driver:
    """One user of the application; close it at the end of the test.

    `part` names the API that is asked, where there are several. Where there are
    `others`, requests and connections go to each in turn, as behind a load balancer.
    """

    def __init__(
        self,
        target: Target,
        api_url: str,
        history: Recorder,
        *,
        part: str = "api",
        others: Sequence[Replica] = (),
    ) -> None:
        if target.api is None:
            raise TargetError(
                "The target has no API to drive. Add [api] and commands.api."
            )
        self.target = target
        self.history = history
        self._apis = itertools.cycle(
            [(part, api_url), *((other.name, other.api) for other in others)]
        )
        self.subscribers: list[Subscriber] = []
        self._api: Api = target.api
        self._http = plain_http.client(timeout_s=ANSWER_WITHIN_S)
        self._lock = threading.Lock()
        self._ended: set[str] = set()
        self._kinds: dict[str, str] = {}

    # --- what a user does ---------------------------------------------------------

    def submit(self, kind: str, **overrides: Any) -> str:
        """Submit a job of this kind, its payload changed by `overrides`; return its id.

        Raises:
            NeverHappened: the application refused it (use `submit_raw` to study that).
        """
        return self._submit(kind, {**self.target.job(kind).payload, **overrides})

    def submit_twice(self, kind: str) -> str:
        """Submit a job, and the same with the same key again; return the first's id.

        As an impatient user does, or a proxy that got no answer. The second is
        `repeated`, with the `id` that it was answered.

        Raises:
            NotApplicable: the target has no such key.
            NeverHappened: the first was refused.
        """
        if not self._api.key:
            raise NotApplicable("its API knows no key of a submit: describe api.key")
        headers = {self._api.key: str(uuid.uuid4())}
        payload = self.target.job(kind).payload
        job = self._submit(kind, payload, headers)
        answer = self.submit_raw(kind, payload, headers)
        again = fields_of(answer).get(self._api.job_id)
        self.history.record(
            "driver", "repeated", job, id=again, code=answer.status_code
        )
        return job

    def try_submit(self, kind: str, *, wrong: str = "") -> str | None:
        """Submit a job, whatever comes of it; return its id, None where it has none.

        What came is written down, with the time it took: `submitted`, `refused`, or
        `unanswered` after GIVE_UP_S. `wrong` names one of the job's wrong fields.
        """
        job = self.target.job(kind)
        changed = {wrong: job.wrong[wrong]} if wrong else {}
        part, base = next(self._apis)
        about: dict[str, Any] = {"job_kind": kind, "api": part, "wrong": wrong}
        method, _, path = job.submit.partition(" ")
        try:
            # On a connection of its own: a server hangs up after an error of its own,
            # and a request on a kept connection may cross with that.
            with plain_http.client(base, timeout_s=GIVE_UP_S) as once:
                began = time.monotonic()
                content = {**job.payload, **changed}
                answer = once.request(method, path, json=content)
                took_s = time.monotonic() - began
        except httpx.TransportError as error:
            about["took_s"] = round(time.monotonic() - began, 6)
            why = f"{type(error).__name__}: {error}"
            self.history.record("driver", "unanswered", error=why, **about)
            return None
        about |= {
            "took_s": round(took_s, 6),
            "code": answer.status_code,
            "retry_after": answer.headers.get("Retry-After"),
        }
        id = fields_of(answer).get(self._api.job_id)
        if answer.is_success and id:
            self._kinds[str(id)] = kind
            self.history.record("driver", "submitted", str(id), accepted=True, **about)
            return str(id)
        body = answer.text[:300]
        self.history.record("driver", "refused", body=body, **about)
        return None

    def submit_raw(
        self,
        kind: str,
        payload: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send exactly this payload; only a refusal is recorded."""
        route = self.target.job(kind).submit
        answer = self._request(route, json=dict(payload), headers=headers)
        if not answer.is_success:
            self.history.record(
                "driver",
                "refused",
                job_kind=kind,
                code=answer.status_code,
                body=answer.text[:300],
            )
        return answer

    def subscribe(
        self,
        job: str,
        name: str | None = None,
        *,
        late: bool | None = None,
        at: Replica | None = None,
        resumes: Subscriber | None = None,
    ) -> Subscriber:
        """Open a connection of its own and watch the job; returns when that stands.

        `late` says that the job had begun before; by default, that it had ended. `at`
        is another API process than the first. `resumes` is whose lost connection this
        one replaces: where the target has words for it, it says how far that one came.
        """
        events = self.target.socket_of(self._kinds.get(job, ""))
        with self._lock:
            name = name or f"page-{len(self.subscribers) + 1}"
            late = job in self._ended if late is None else late
        subscriber = Subscriber(self, events, job, name, at, resumes)
        self.subscribers.append(subscriber)
        part, url = (at.name, at.api) if at else next(self._apis)
        self.history.record(
            *("driver", "subscribed", job),
            subscriber=name,
            late=late,
            at=part,
            resumes=resumes.name if resumes else None,
            after=subscriber.after,
        )
        subscriber.connect(url)
        return subscriber

    def cancel(self, job: str) -> str | None:
        """Ask to cancel; return the application's answer in its own word."""
        started = time.monotonic()
        answer = self._request(self._api.cancel, job)
        word = fields_of(answer).get(self._api.answer)
        self.history.record(
            "driver",
            "cancel",
            job,
            code=answer.status_code,
            answer=word,
            took_s=round(time.monotonic() - started, 6),
        )
        return word

    def status(self, job: str, *, on_event: str | None = None) -> dict[str, Any]:
        """Ask for the job once; record and return what it said, in our words."""
        started = time.monotonic()
        answer = self._request(self._api.status, job)
        took_s = round(time.monotonic() - started, 6)
        body = fields_of(answer)
        result = body.get(self._api.result)
        state = self._our_state(body.get(self._api.state))
        seen: dict[str, Any] = {
            "code": answer.status_code,
            "state": state,
            "reason": body.get(self._api.reason),
            "has_result": result is not None,
            "result_digest": digest(result),
            "result_shape": shape(result),
            "error": body.get(self._api.error),
            "on_event": on_event,
            "took_s": took_s,
        }
        if state in TERMINAL:
            self._ended.add(job)
        self.history.record("driver", "status", job, None, **seen)
        return seen

    def result(self, job: str) -> Any:
        """Return the job's result as the application gives it, None where none yet."""
        return fields_of(self._request(self._api.status, job)).get(self._api.result)

    def wait_for_state(
        self, job: str, *states: str, within_s: float = 20.0
    ) -> dict[str, Any]:
        """Poll until the job is in one of these states (default: any terminal one).

        Raises:
            NeverHappened: it was not, within `within_s`.
        """
        wanted = states or TERMINAL

        def arrived() -> dict[str, Any] | None:
            seen = self.status(job)
            return seen if seen["state"] in wanted else None

        try:
            seen = wait_until(
                arrived,
                within_s=within_s,
                every_s=POLL_S,
                what=f"job {job} is {' or '.join(wanted)}",
            )
        except TooSlow as error:
            raise NeverHappened(str(error)) from error
        assert seen is not None
        return seen

    def close(self) -> None:
        """Close every connection; later events are nobody's business."""
        for subscriber in self.subscribers:
            subscriber.close()
        self._http.close()

    # --- inside -------------------------------------------------------------------

    def on_event(self, subscriber: Subscriber, word: str, data: Any) -> None:
        """Record an event as it comes off the wire, and follow up an ending."""
        fields = self.target.socket.fields if self.target.socket else {}

        def take(name: str) -> Any:
            return data.get(fields.get(name, name)) if isinstance(data, dict) else None

        event = self.target.events.get(word)
        percent, result = take("percent"), take("result")
        subscriber.came_to(take("seq"))
        self.history.record(
            "driver",
            "event",
            take("job") or subscriber.job,
            subscriber=subscriber.name,
            event=event,
            word=word,
            seq=take("seq"),
            attempt=take("attempt"),
            percent=percent if _is_percent(percent) else None,
            message=take("message"),
            reason=take("reason"),
            error=take("error"),
            has_result=result is not None,
            result_digest=digest(result),
            fields=sorted(data) if isinstance(data, dict) else None,
        )
        if event in TERMINAL:
            self._ended.add(subscriber.job)
            try:
                self.status(subscriber.job, on_event=subscriber.name)
            except StackError as error:
                self.history.record(
                    "driver",
                    "status",
                    subscriber.job,
                    code=None,
                    state=None,
                    reason=None,
                    has_result=False,
                    result_digest=None,
                    error=str(error),
                    on_event=subscriber.name,
                )

    def _submit(
        self,
        kind: str,
        payload: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> str:
        started = time.monotonic()
        answer = self.submit_raw(kind, payload, headers)
        took_s = time.monotonic() - started
        job = fields_of(answer).get(self._api.job_id)
        if not answer.is_success or not job:
            raise NeverHappened(
                f"{kind} was refused with {answer.status_code}: {answer.text[:300]}"
            )
        self._kinds[str(job)] = kind
        self.history.record(
            "driver",
            "submitted",
            str(job),
            job_kind=kind,
            code=answer.status_code,
            accepted=True,
            took_s=round(took_s, 6),
            request=digest(payload),
        )
        return str(job)

    def _request(self, route: str, job: str = "", **content: Any) -> httpx.Response:
        method, _, path = route.partition(" ")
        try:
            _, base = next(self._apis)
            return self._http.request(method, base + path.format(job=job), **content)
        except httpx.TransportError as error:
            raise StackError(f"{method} {path}: the API did not answer: {error}") from (
                error
            )

    def _our_state(self, word: Any) -> str | None:
        return self.target.states.get(str(word)) if word is not None else None


def _is_percent(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0
