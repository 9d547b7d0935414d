#!/bin/bash
# An array of tasks that fill one folder. Submit: sbatch slurm_array.sh
#SBATCH --job-name=surrogates
#SBATCH --array=0-31
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=1G
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --signal=USR1@60
#SBATCH --open-mode=append

# Each task writes its share of the parts, one process a core. Told that its time ends (138) or that it is preempted
# (143), it leaves whole parts, and the requeued task makes the rest.
srun surrogates generate particle-events -n 1000000000 --energy 91.2GeV --seed 1 --part-size 1GB \
    --shard slurm --workers auto --resume -o events/
code=$?
[ $code -eq 138 ] && scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
exit $code
