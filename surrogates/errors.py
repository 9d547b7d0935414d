"""Errors of one line that say what was asked, what was found and what to do; `SchemaError` lives in `schema`."""


class SurrogatesError(Exception):
    """Something that the caller can put right; its message is one line."""


class PluginError(SurrogatesError):
    """A plugin that is unknown, declared twice, or broken."""


class WeightsError(SurrogatesError):
    """Weights that are missing, altered, or made for another plugin, recipe or version."""


class SimulatorMissing(SurrogatesError):
    """A reference simulator that does not exist for a plugin or is not installed."""
