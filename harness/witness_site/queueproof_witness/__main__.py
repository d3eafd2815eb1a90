"""`python -m queueproof_witness MODULE:APP`: be the agent of this application."""

import sys

from .agent import run_agent

if len(sys.argv) != 2:
    sys.exit("usage: python -m queueproof_witness MODULE:APP")
run_agent(sys.argv[1])
