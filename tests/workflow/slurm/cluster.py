"""A SLURM of this machine alone, for tests: `python cluster.py start | stop | status`.

Two nodes: cpu1 in the partition cpu, gpu1 with what SLURM takes for a GPU (/dev/null) in the
partition gpu. Memory and time limits are enforced; there is no accounting. Runs as root, from
Debian's packages, and installs nothing. Exits with 0 where the cluster runs (start, status) or
is gone (stop), with 1 and a sentence otherwise.

The configuration is in /etc/slurm: Snakemake's jobs drop SLURM_CONF. A configuration that is
not ours is left alone.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HOME = Path("/var/tmp/infoplane-slurm")
ETC = Path("/etc/slurm")
MARK = "# Of infoplane's tests, by tests/workflow/slurm/cluster.py: may be removed."
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
NODES = ("cpu1", "gpu1")
PATIENCE = 60
"""Seconds that daemons may take on a busy machine."""


def configuration(cpus: int, memory_mb: int) -> dict[str, str]:
    """Files of /etc/slurm by name; of each node `cpus` and `memory_mb`."""
    host = socket.gethostname()
    node = f"NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb}"
    return {
        "slurm.conf": f"""{MARK}
ClusterName=infoplane
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={HOME}/munge.socket
CredType=cred/munge
SlurmctldPidFile={HOME}/slurmctld.pid
SlurmdPidFile={HOME}/%n.pid
SlurmctldLogFile={HOME}/slurmctld.log
SlurmdLogFile={HOME}/%n.log
StateSaveLocation={HOME}/state
SlurmdSpoolDir={HOME}/%n
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
TaskPlugin=task/none
ProctrackType=proctrack/linuxproc
# Memory is enforced without control groups: a job is looked at every 2 s, and what its
# processes share counts once, as in control groups.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=UsePss,OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={HOME}/jobs.txt
PropagateResourceLimits=NONE
ReturnToService=1
InactiveLimit=0
KillWait=5
MinJobAge=600
GresTypes=gpu
NodeName=cpu1 {node} Port=17001
NodeName=gpu1 {node} Port=17002 Gres=gpu:1
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE DefaultTime=60
PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE DefaultTime=60
""",
        "gres.conf": f"{MARK}\nNodeName=gpu1 Name=gpu File=/dev/null\n",
    }


def ours() -> bool:
    """Whether /etc/slurm holds the configuration that `start` wrote."""
    conf = ETC / "slurm.conf"
    return conf.exists() and conf.read_text().startswith(MARK)


def states() -> dict[str, str]:
    """State of every node of ours; empty where the cluster does not run."""
    if not ours() or not shutil.which("sinfo"):
        return {}
    command = ["sinfo", "--noheader", "--Node", "--format=%N %T"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return {}
    return dict(line.split() for line in found.stdout.splitlines() if found.returncode == 0)


def start() -> None:
    if states():
        return
    if os.geteuid() != 0:
        sys.exit("cluster.py: SLURM's daemons are started by root")
    for name in configuration(1, 1):
        if (ETC / name).exists() and not (ETC / name).read_text().startswith(MARK):
            sys.exit(f"cluster.py: {ETC / name} is of another SLURM: it is left as it is")
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if missing:
        sys.exit(f"cluster.py: no {', '.join(missing)} here: apt-get install slurm-wlm munge")
    os.environ["PATH"] = path

    stop()  # what a start that failed has left
    shutil.rmtree(HOME, ignore_errors=True)
    for place in (HOME, HOME / "state", *(HOME / node for node in NODES), ETC):
        place.mkdir(parents=True, exist_ok=True)
    cpus = max(4, os.cpu_count())  # also for jobs that only wait
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    for name, text in configuration(cpus, memory).items():
        (ETC / name).write_text(text)

    key = HOME / "munge.key"
    key.touch(mode=0o400)
    key.write_bytes(os.urandom(1024))
    files = {"key": "key", "socket": "socket", "pid": "pid", "log": "log", "seed": "seed"}
    flags = {"key": "key-file", "pid": "pid-file", "log": "log-file", "seed": "seed-file"}
    munge = [f"--{flags.get(kind, kind)}={HOME}/munge.{end}" for kind, end in files.items()]
    # --force: the folder above is one that all may write to.
    for command in (
        ["munged", "--force", *munge],
        ["slurmctld"],
        *(["slurmd", "-N", node] for node in NODES),
    ):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"cluster.py: {' '.join(command)}: {done.stderr.strip()}")
    end = time.monotonic() + PATIENCE
    while states() != dict.fromkeys(NODES, "idle"):
        if time.monotonic() > end:
            sys.exit(f"cluster.py: nodes are {states() or 'not answering'}: {HOME}/*.log")
        time.sleep(0.1)


def stop() -> None:
    """End our daemons and take our configuration away; logs stay until the next start."""
    if states():
        subprocess.run(["scancel", "--user=root"], check=False)
    daemons = {"slurmctld": "slurmctld", "munge": "munged", **dict.fromkeys(NODES, "slurmd")}
    running = {}
    for name, program in daemons.items():
        file = HOME / f"{name}.pid"
        pid = int(file.read_text()) if file.exists() else 0
        if pid and command_of(pid).startswith(program):
            os.kill(pid, signal.SIGTERM)
            running[pid] = program
    end = time.monotonic() + PATIENCE
    while any(command_of(pid).startswith(program) for pid, program in running.items()):
        if time.monotonic() > end:
            sys.exit(f"cluster.py: still running: {running}")
        time.sleep(0.05)
    if ours():
        for name in configuration(1, 1):
            (ETC / name).unlink(missing_ok=True)


def command_of(pid: int) -> str:
    """Name of a process; empty where there is none, or one that has ended (a zombie)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    name, state = text[text.index("(") + 1 :].rsplit(")", 1)
    return "" if state.split()[0] == "Z" else name


def status() -> None:
    found = states()
    if not found:
        sys.exit("cluster.py: not running; `cluster.py start` starts it")
    print(*(f"{node} {state}" for node, state in found.items()), sep="\n")


if __name__ == "__main__":
    commands = {"start": start, "stop": stop, "status": status}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(f"{__doc__}")
    commands[sys.argv[1]]()
