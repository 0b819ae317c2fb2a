"""The local backends: in the calling thread, on threads, on processes.

They are plugins like any other, found through the built-in table of :mod:`fanfold.plugins`, and use
only the contract. Import them from their own modules; nothing is imported here, because a worker
process passes through this package on its way to :mod:`fanfold.backends.processes`.
"""
