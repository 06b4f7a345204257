# Snakemake runs this, from the repository's root, after it has made the conda environment.
python -m pip install --no-deps --no-build-isolation --editable .
