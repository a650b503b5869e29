"""The errors that are the user's to mend.

Everything else that is raised is a bug in groundup. The command line prints a ``UserError`` as
one line on stderr and exits with its ``exit_code``; ``--debug`` shows the traceback.
"""


class UserError(ValueError):
    """Something the user can put right; the message says what is wrong and what to do."""

    exit_code = 1


class UsageError(UserError):
    """A wrong key, value or combination in a recipe or on the command line."""

    exit_code = 2
