"""Secrets out of everything before it reaches the disk, equal placeholders in.

`scrubber` goes over requests, answers and messages: `rule_names` know secrets by where they stand,
`secret_shapes` by what they look like, `learnt_secrets` those met before, `encoded_text` what is
inside encodings. `pseudonym` does the same for personal data, `cleaning` both for a whole cassette,
`residue` looks at what is left over.
"""
