"""The routes, one module per thing they speak of."""
