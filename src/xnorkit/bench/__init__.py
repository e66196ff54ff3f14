"""What `xnorkit bench` measures: whole models and single kernels, side by side with what a user would run instead."""
