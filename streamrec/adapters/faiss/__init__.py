"""The index of vectors in this process, on Faiss."""
