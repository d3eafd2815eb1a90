"""Every answer of the running application is one that its OpenAPI description has."""
