"""Damaged messages against every reader: nothing may crash, hang, or change what is remembered."""
