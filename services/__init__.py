"""Who decides: one package per service; no service imports another."""
