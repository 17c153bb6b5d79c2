"""Resumable uploads: tus 1.0 (https://tus.io/protocols/resumable-upload), and the files and rows behind."""
