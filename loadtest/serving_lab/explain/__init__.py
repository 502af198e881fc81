"""Why one target takes more CPU time than another: the functions that make the difference, by a sampling profiler."""
