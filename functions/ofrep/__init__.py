"""OpenFeature Remote Evaluation Protocol: any OpenFeature SDK evaluates experiments as flags."""
