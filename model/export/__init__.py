"""The exported graph and the saved model, the assignment's requirements, and the checks of models from elsewhere."""
