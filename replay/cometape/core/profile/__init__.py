"""What is special about one API, as data: a `profile`, read from its written form.

`profile_format` reads the mapping that YAML gives, value by value (`profile_node`);
`identity_places` finds in an exchange what the profile declares of identities.
"""
