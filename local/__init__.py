"""The platform on one machine: an emulator of AWS, a gateway, worker processes; all from template.yaml."""
