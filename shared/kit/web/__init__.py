"""What every HTTP API of Seda does alike: problems, request ids, idempotency, paging, ETags."""
