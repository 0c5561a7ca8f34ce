"""A simulated machine as a host shows itself: a Snapshot read out of a world, a file a family of fields."""
