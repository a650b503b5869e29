"""Pictures of what happens inside. So far: ``tokenizer_view``, a text in tokens."""
