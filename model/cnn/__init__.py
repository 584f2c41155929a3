"""The CNNs, one module each; model/network_kinds.py lists them."""
