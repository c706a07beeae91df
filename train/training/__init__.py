"""What trains: a recipe's model, its loss, its optimizers, and a loop that stops and resumes."""
