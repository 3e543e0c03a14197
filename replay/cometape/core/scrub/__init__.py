"""Secrets out of everything before it reaches the disk, equal placeholders in.

`scrubber` goes over requests, answers and messages: `rule_names` know secrets by where they stand,
`secret_shapes` by what they look like, `met_secrets` those met before (`learnt_secrets` the long,
`short_secrets` the short ones), `encoded_text` what is inside encodings. `pseudonym` does the same
for personal data, `cleaning` both for a whole cassette, `residue` looks at what is left over.
"""
