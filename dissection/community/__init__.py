"""What visitors publish for others: datasets and judges' labels, in a folder or in a dataset of the Hub."""
