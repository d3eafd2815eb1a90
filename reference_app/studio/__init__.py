"""The studio: so far the clean-up of its workspaces."""
