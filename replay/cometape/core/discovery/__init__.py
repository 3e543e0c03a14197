"""Discovery: what a recording shows of ids and other values that change from run to run.

`sightings` takes entries apart into values and where they stand, `shapes` tells what a value looks
like, `known` gathers what the profile knows, `proposals` says with evidence what it lacks,
`snippet` writes that down as a profile.
"""
