"""What is not ideal about a crossbar: converters, cells, wires."""
