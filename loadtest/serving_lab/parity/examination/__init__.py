"""What needs the services again: is a difference the primary's own, how often does it show, how small can it be?"""
