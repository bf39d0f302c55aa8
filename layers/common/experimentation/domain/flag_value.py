"""A variant's value as a feature flag."""

import json

from experimentation.domain.experiment import Variant


def flag_value(variant: Variant) -> object:
    """Return the config, or what it holds under a lone "value"; the variant's key when it has no config.

    >>> flag_value(Variant("treatment", 500_000, '{"value":10.0}'))
    10.0
    >>> flag_value(Variant("treatment", 500_000))
    'treatment'
    """
    if variant.config is None:
        return variant.key
    config = json.loads(variant.config)
    if isinstance(config, dict) and config.keys() == {"value"} and config["value"] is not None:
        return config["value"]
    return config
