"""Prediction: the fact sheet, the forecasters, and sealed predictions."""
