"""Tables of measures with intervals, leaderboards, exports, gates."""
