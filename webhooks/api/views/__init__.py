"""The resources, one module each: parse, authorise, call one service, ring."""
