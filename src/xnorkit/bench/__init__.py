"""The measurements of `xnorkit bench`: whole models and single kernels, side by side with the alternatives."""
