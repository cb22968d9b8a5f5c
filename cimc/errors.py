"""The one exception that means: the user can mend this."""


class CimcError(Exception):
    """Something the user got wrong; its text is one clear message, printed without a traceback.

    The text names the node or file, the value found, and what would be right.
    """


def first_line(error: BaseException | str) -> str:
    """The message of an error in one line, without the text or the IR that libraries put under it."""
    lines = [line.strip(" ^-|\t") for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)
