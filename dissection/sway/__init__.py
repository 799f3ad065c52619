"""What sways a judge: predicted gains of changed answers, exposure to style, system prompts, and results put to the test."""
