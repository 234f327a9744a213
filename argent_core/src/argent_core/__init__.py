"""The kernel of Argent: takes one event, makes one turn, lets effects out."""
