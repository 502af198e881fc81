"""The command line, a module a subject; what a command needs is imported when it runs, so that `lab up` stays quick."""
