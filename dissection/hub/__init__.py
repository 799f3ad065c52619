"""Datasets of the Hugging Face Hub: address → the files that are needed → the readers."""

from dissection.hub.opening import open_hub

__all__ = ["open_hub"]
