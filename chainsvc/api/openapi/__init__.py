"""The OpenAPI document: shapes, examples and answers, in Chinese and English."""
