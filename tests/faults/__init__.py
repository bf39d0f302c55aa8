"""The counting protocol over a wire that throttles and loses acknowledgements."""
