"""Drivers that people write in Python against the kernel's API: what they may say, and what is wrong with them before they run.

`api` is the kernel's names, `subset` the language and its errors, `roles` which function runs where, `walk` every path through it,
`lint` the door.
"""
