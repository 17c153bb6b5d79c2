"""What is searched for: words and other examples, filters, and the vector they make."""
