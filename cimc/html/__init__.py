"""A page about programs: one file with all its pictures, that needs no network.

Pictures are figures of Plotly as plain data; only `page.py` needs Plotly, to write them down.
"""
