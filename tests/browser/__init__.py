"""The console in a browser: a package, so that one browser serves the folder and ends with it."""
