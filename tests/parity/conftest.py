"""The profile that the project ships, as the proof of the comparison uses it."""

from dataclasses import replace

import pytest
from serving_lab.parity.inputs.profile import Profile
from support.checkout import REPOSITORY
from support.services import PASSWORD, SECRET_KEY, USERNAME


@pytest.fixture(scope="session")
def profile() -> Profile:
    """Our profile without the differences that it intends: a service has none with itself."""
    environment = {"API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD, "SECRET_KEY": SECRET_KEY}
    return replace(Profile.load(REPOSITORY / "loadtest" / "parity" / "profile.yaml", environment), intended=())
