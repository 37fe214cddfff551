"""One thread for products of matrices, unless the environment says otherwise; to be imported before numpy.

The libraries behind numpy and PyTorch read the variable when they are loaded, and by default begin a thread
for each core. Products of a list or a step of learning are too small for that: with all cores at work such
threads wait for one another, and a list takes ten times as long.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
