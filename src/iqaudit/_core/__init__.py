"""Values that every room knows: pictures, patches, scales, threats, goals, streams, errors."""
