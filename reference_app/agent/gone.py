"""The agent's endpoints of old: each is gone, and says where to go instead.

They answered with the state of a process of the API, which there is none of any more.
"""

from fastapi import APIRouter, HTTPException

from reference_app import answers

router = APIRouter(tags=["agent"])

#: The route of old, its method, and what came in its place.
SUCCESSORS = {
    "/start": ("POST", "POST /api/v2/agent/start"),
    "/stop": ("POST", "POST /api/v2/agent/stop"),
    "/status": ("GET", "GET /api/v2/agent/status/{task_id} and /api/v2/agent/state"),
}


def _gone(route: str) -> None:
    method, successor = SUCCESSORS[route]
    path = successor.split()[1].partition("{")[0]

    def answer() -> None:
        raise HTTPException(
            410,
            f"Gone: use {successor}.",
            headers={"Link": f'<{path}>; rel="successor-version"'},
        )

    router.add_api_route(
        route,
        answer,
        methods=[method],
        name=f"gone{route.replace('/', '_')}",
        deprecated=True,
        status_code=410,
        responses={410: answers.refusal(f"Gone: use {successor}")},
    )


for _route in SUCCESSORS:
    _gone(_route)
