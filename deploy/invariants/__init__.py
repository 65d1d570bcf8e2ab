"""What must always hold across the services, checked on the databases themselves."""
