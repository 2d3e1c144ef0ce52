"""Victims that are asked over a network or as a program, and may have to be paid."""
