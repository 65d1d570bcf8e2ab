"""What an inspector's, supervisor's or custodian's own device does: keys, opening, sealing, re-wrapping, over the API.

A library and a command line (``python -m services.integrity.inspect``). Private keys never leave the device.
"""
