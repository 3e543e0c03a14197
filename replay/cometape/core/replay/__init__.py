"""A cassette in, answers and events out: the replay as a service.

`replay_service` is what the server serves. In `answers` a request finds its client and run
(`core.run`), its recording (`core.playbook`), or is told why it has none (`core.report`); one that
comes again is answered by a shortcut. `recorded_application` ends handshakes, subscriptions and
publishes as recorded, `delivery` brings the events, which the `agenda` knows of; `setbacks` are
what went wrong in the recording, `waiting_setbacks` those that must not overtake an event.
`interference` is where faults (`fault_injector`, `replay_faults`) and orders come in, `answer_gate`
where answers leave.
`intervention`, `live_sessions` and `pending` are what a test may do and see from outside.
"""
