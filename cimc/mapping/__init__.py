"""How matrices lie on crossbars, as plain arithmetic: structure, tiles, cost, and which is best."""
