"""What ONNX files are put together from: a writer of graphs, and every front end written in it."""
