"""Style against substance: what a judge goes by, in shares; its own criteria; and measures of the models that it judged."""
