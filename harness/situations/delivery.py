"""Messages that are delivered, and executed, not just once."""

from harness.agent import Agent
from harness.history import History
from harness.situations import situation
from harness.target import Target


@situation("delivery.poison-is-bounded", takes_s=3)
def kills_its_process(agent: Agent, target: Target, history: History) -> None:
    """Let a task kill the process it runs in while another one waits behind it."""
    poison = agent.probe("suicide", queue=target.queues[0])
    behind = agent.probe("sleep", queue=target.queues[0])
    history.settle(poison, within_s=10)
    history.settle(behind, within_s=10)
