"""The CNNs, a module each; model/network_kinds.py lists them."""
