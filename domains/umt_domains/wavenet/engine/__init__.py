"""The CPU engine: the sampler's loop as compiled code; it needs Numba (`umtcli[fast]`).

choosing.py    which engines this machine has, and which is used
machine.py     an engine made for the processor at hand, and tried
compiling.py   Numba's compiler, set up
kinds.py       kinds of micro-kernels for matrix products
kernel.py      such a micro-kernel, made for the processor at hand
blocks.py      its code
plain.py       the same in plain loops
packing.py     weights as the micro-kernels read them
addresses.py   memory by its address
arithmetic.py  exponentials and gates
rounding.py    numbers rounded to bfloat16 and int8
products.py    matrix products, which a micro-kernel makes
drawing.py     a class drawn from its logits
loop.py        samples and layers
streams.py     streams over the cores
"""
