"""Bytes ↔ values, without I/O: addresses, HAProxy's log line, HTTP checks, safe text."""
