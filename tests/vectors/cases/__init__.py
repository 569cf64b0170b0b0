"""The cases: what is asked, and what the answer must be in kind; the model gives the answer itself."""
