"""The page and the service: every installed simulator in a browser and over HTTP."""
