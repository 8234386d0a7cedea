"""The CPU engine: the sampler's loop as compiled code; it needs Numba (`umtcli[fast]`).

choosing.py    which engines this machine has, and which is used
machine.py     an engine made for the processor at hand, and tried
compiling.py   Numba's compiler, set up
kernel.py      micro-kernels for matrix products, made for the processor at hand
plain.py       the same in plain loops
packing.py     weights as the micro-kernels read them
loop.py        samples and layers
streams.py     streams over the cores
"""
