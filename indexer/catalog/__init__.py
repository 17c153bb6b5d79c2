"""What is true: videos, clips, embeddings, generations and jobs, in SQLite or Postgres."""
