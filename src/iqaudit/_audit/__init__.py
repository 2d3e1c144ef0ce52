"""Audits: victims, attacks and more, side by side, on one set of pictures; stopped and taken up.

`iqaudit._audit.spec.AuditSpec` says what is run, `iqaudit._audit.execute.run` runs it.
"""
