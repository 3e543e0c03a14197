"""Files of other programs: HAR, mitmproxy's flows, vcrpy's cassettes.

Each reader makes a `Source` of bytes, each writer bytes of a cassette; neither touches a file.
`importing` puts sources together and has `cometape.core` find out what they mean. Only `flows`
imports mitmproxy.
"""
