"""SAE steering: job functions, models, catalogue, API, and the recipe of the model."""
