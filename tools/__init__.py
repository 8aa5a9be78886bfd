"""What sets the site up and starts it. Standard library only: it runs before there is anything else."""
