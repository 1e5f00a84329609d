"""Runs plans: stage, recorder, judge, evidence, reports."""
