"""The reference family ``pico``: small models that see scenes of drawings, trained, exported and measured here."""
