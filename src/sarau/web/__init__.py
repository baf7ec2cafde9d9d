"""HTTP: the tus endpoint, the API, the live events and the page."""
