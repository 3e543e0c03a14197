"""Which entry caused an event: found while entries arrive, completed for a whole cassette.

`cause_finder` is asked event by event, `inference` goes over a cassette, `cause_rule` is a rule of
a profile at work, `operation` an exchange or publish seen as a possible cause.
"""
