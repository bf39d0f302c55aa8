"""What only documents the API: the OpenAPI document, the answers' models, recorded examples, the site."""
