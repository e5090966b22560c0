"""Scenes composed of open drawings, with their ground truth: the world the reference family sees."""
