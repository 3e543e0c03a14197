"""Record Genesys Workbins traffic once, replay it for ever: HTTP and CometD in one cassette."""

__version__ = "0.1.0"
