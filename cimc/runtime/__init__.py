"""The simulator's parts on plain numpy: kernels, quantisation, encodings, the crossbar, its clock.

Nothing here knows of xDSL; `cimc.interpreters` connects it with the IR.
"""
