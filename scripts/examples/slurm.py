"""Classify a range of dates on a Slurm cluster, by dask-jobqueue: pip install 'aurorapt[cluster]' dask-jobqueue.

Run it on a login node, in tmux or screen, from the environment in which aurorapt is installed, on a disk that the nodes
see too. Give it again after a stop: finished camera-nights stand. The rest of the line goes to aurorapt classify:

    python slurm.py 100 2008-01-01 2016-12-31 --stream0 /data/stream0 --output /data/results --precision bf16
"""

import subprocess
import sys

from dask_jobqueue import SLURMCluster

CORES = 8  # of one job, each of which classifies one camera-night at a time; also threads of one process
GIGABYTES = 8  # of one job: half of it is enough
HOURS = 24  # of one job; what it is at when its time is up is done again by another

if __name__ == "__main__":
    cores, classify = int(sys.argv[1]), sys.argv[2:]
    cluster = SLURMCluster(
        cores=CORES,
        processes=1,
        memory=f"{GIGABYTES}GB",
        walltime=f"{HOURS}:00:00",
        # queue="...", account="...", interface="ib0": what your cluster asks for
        worker_extra_args=["--lifetime", f"{HOURS * 60 - 10}m", "--lifetime-stagger", "5m"],
        job_script_prologue=["export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False"],
    )
    cluster.adapt(minimum_jobs=1, maximum_jobs=-(-cores // CORES))  # jobs that end are replaced
    command = [sys.executable, "-m", "aurorapt", "classify", *classify, "--scheduler", cluster.scheduler_address]
    sys.exit(subprocess.run(command, check=False).returncode)
