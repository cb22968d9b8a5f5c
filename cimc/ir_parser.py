"""xDSL's parser for what xDSL's printer writes of names that are not ASCII."""

from xdsl.parser import Parser
from xdsl.utils.mlir_lexer import MLIRTokenKind, StringLiteral


class IRParser(Parser):
    """Takes a literal with escaped bytes for a string if they are UTF-8, as MLIR does.

    xDSL prints `é` as `"\\C3\\A9"`, which its own parser accepts where bytes may stand only, and so not in
    locations.
    """

    def parse_optional_str_literal(self) -> str | None:
        token = self._current_token
        if token.kind != MLIRTokenKind.BYTES_LIT:
            return super().parse_optional_str_literal()
        try:
            text = StringLiteral.from_span(token.span).bytes_contents.decode("utf-8")
        except UnicodeDecodeError:
            return None
        self._consume_token()
        return text
