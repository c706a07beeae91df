"""What makes batches: stories become token files, and token files become batches."""
