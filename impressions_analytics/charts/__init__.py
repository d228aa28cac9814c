"""The charts: each takes the small result frame of an analysis and an optional Axes, and returns the Axes.

A chart draws what it is given and counts nothing. Without ``ax`` it opens a figure of its own: in a notebook that
figure shows below the cell; in a script nothing stays open, and ``ax.figure.savefig("chart.svg")`` writes it.

A chart is one function in a file that is named as its analysis. It begins with `canvas.start_chart`, which checks the
result and gives the Axes their labels and their look. To add one, write that file and put its name into the package's
``__init__.pyi``.
"""
