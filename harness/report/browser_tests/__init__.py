"""The page in a real Chromium: `ci/browser.sh` installs it and runs these tests.

They are no part of a plain `pytest`, so that none is skipped where it is missing.
"""
