"""Networks that others have trained: a file of tensors and a JSON config become a model of ours. docs/import.md.

`importer.import_model` is the way in; `layouts.LAYOUTS` is the table of what can be read.
"""
