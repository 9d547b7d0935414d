#!/bin/bash
# A Dask cluster within one job: a scheduler, a worker a core on every node, and the run. Submit: sbatch dask_slurm.sh
#SBATCH --job-name=surrogates-dask
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=32
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=2G
#SBATCH --time=02:00:00
set -e
rm -f scheduler.json
dask scheduler --scheduler-file scheduler.json --no-dashboard &
until [ -s scheduler.json ]; do sleep 1; done
srun dask worker --scheduler-file scheduler.json --nthreads 1 --no-dashboard --local-directory "${TMPDIR:-/tmp}" &
surrogates generate particle-events -n 1000000000 --energy 91.2GeV --seed 1 --part-size 1GB \
    --scheduler scheduler.json --resume -o events/
