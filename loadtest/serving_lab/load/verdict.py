"""The exit code of a run."""

import logging

from locust.env import Environment
from locust.runners import Runner, WorkerRunner

from serving_lab import exit_codes
from serving_lab.load.totals import Totals

logger = logging.getLogger(__name__)


def set_exit_code(environment: Environment, totals: Totals) -> None:
    """Set how a headless run exits, by what came of it; for a ``quitting`` listener.

    1: a request failed or was answered wrongly. 2: nothing was answered. 70: the lab's own users failed.

    Failures count from the start, also those that ``--reset-stats`` takes out of the statistics. Workers leave the
    verdict to their master; so does a web UI to the person in front of it.
    """
    options, runner = environment.parsed_options, environment.runner
    if runner is None or options is None or not options.headless or isinstance(runner, WorkerRunner):
        return
    requests, failures = totals.requests.total(), totals.failures.total()
    if failures:
        logger.error("%d of %d requests failed%s", failures, requests, _most_frequent(runner))
        environment.process_exit_code = exit_codes.FOUND
    elif runner.exceptions:
        logger.error("users met %d kinds of unexpected errors", len(runner.exceptions))
        environment.process_exit_code = exit_codes.INTERNAL_ERROR
    elif not requests:
        logger.error("no request was answered")
        environment.process_exit_code = exit_codes.CANNOT_TELL


def _most_frequent(runner: Runner) -> str:
    if not runner.errors:
        return ""
    error = max(runner.errors.values(), key=lambda error: error.occurrences)
    return f", most often {error.name}: {error.error}"
