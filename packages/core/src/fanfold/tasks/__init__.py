"""Tasks on their way to a worker and back: encoding, running, decoding.

Import from the modules themselves: a worker loads only :mod:`fanfold.tasks.running`, and what it
does not import it need not wait for.
"""
