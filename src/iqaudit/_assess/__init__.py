"""Assessments of a victim ahead of an audit: fitness, score scale, cost."""
