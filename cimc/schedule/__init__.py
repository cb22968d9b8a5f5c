"""When which crossbar does what, as plain arithmetic: pieces of layers, their times, bounds."""
