"""The one exception that means: the user can mend this."""


class CimcError(Exception):
    """Something the user got wrong; its text is one clear message, printed without a traceback.

    The text names the node or file, the value found, and what would be right.
    """
