"""What is measured and shown: accuracy of files, the deployment proof, the demo's table and picture."""
