"""Floats in the text of IR, where no type follows that says how to read them."""

from xdsl.dialects.builtin import Float64Type
from xdsl.printer import Printer


def print_number(printer: Printer, value: float) -> None:
    """Prints a finite float64 as a decimal number that reads back as the same.

    xDSL prints whole numbers of more than six digits as the hexadecimal digits of their bits.
    """
    is_whole = "." not in f"{value:.17g}"
    if is_whole and float(f"{value:.5e}") != value:
        printer.print_string(repr(value))
    else:
        printer.print_float(value, Float64Type())
