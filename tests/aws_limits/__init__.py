"""What AWS refuses, enforced where tests call AWS: a call past a limit fails the test that made it."""
