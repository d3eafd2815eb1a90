"""Situations: arrange, disturb, let it finish; contracts judge."""
