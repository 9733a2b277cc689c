#!/usr/bin/env bash
# Start a Slurm cluster on this one host, for tests: nodes with fake GPUs, accounting, preemption; everything on loopback.
#
#   apt-get update && apt-get install -y --no-install-recommends slurm-wlm slurmdbd munge mariadb-server
#   scripts/slurm_up.sh [FOLDER]      configuration, state and logs; by default ${TMPDIR:-/tmp}/ganexp-slurm
#   export SLURM_CONF=FOLDER/slurm.conf
#   python -m ganexp -m launcher=slurm seed=0,1,2
#   scripts/slurm_down.sh [FOLDER]
#
# Jobs of the partition `high` send those of `main` back to the queue. Needs root, but neither systemd nor cgroups. Options:
#   NODES=3 CPUS=2 GPUS=2             of each node, in Slurm's eyes; a GPU is a device that does nothing, and four shards
#   GRACE=30                          seconds that a preempted job has left
#   PREEMPT=preempt_send_user_signal  it gets the signal that it asked for; empty: SIGTERM, as Slurm does by default
#   PORT=16810                        the first of NODES + 4 ports
set -euo pipefail

folder=$(realpath -m "${1:-${TMPDIR:-/tmp}/ganexp-slurm}")
nodes=${NODES:-3} cpus=${CPUS:-2} gpus=${GPUS:-2} port=${PORT:-16810}
grace=${GRACE:-30} preempt=${PREEMPT-preempt_send_user_signal}
down="$(dirname "$0")/slurm_down.sh"
host=$(hostname -s)

refuse() {
  echo "slurm_up.sh: $1" >&2
  exit 2
}

[ "$(id -u)" = 0 ] || refuse "only root can start the daemons of a cluster; use a container"
for program in munged mariadbd mariadb-install-db slurmdbd slurmctld slurmd; do
  command -v "$program" > /dev/null || refuse "$program is missing; the head of this file names the packages"
done

export SLURM_CONF=$folder/slurm.conf
if [ -e "$folder/pids" ]; then
  if timeout 5 sinfo 2> /dev/null; then
    echo "export SLURM_CONF=$SLURM_CONF"
    exit 0
  fi
  "$down" "$folder" # what is left of a cluster that broke down
fi
mkdir -p "$folder"/{munge,state,log,gpus}
chmod 755 "$folder"
: > "$folder/pids"
trap '"$down" "$folder"' ERR # a cluster is up as a whole or not at all
set -E

# start NAME COMMAND...: in the background, apart from the terminal. The time of its start makes its id unique.
start() {
  local name=$1
  shift
  setsid "$@" < /dev/null >> "$folder/log/$name.out" 2>&1 &
  disown
  echo "$! $(cut -d ' ' -f 22 "/proc/$!/stat") $name" >> "$folder/pids"
}

# wait_for WHAT COMMAND...: until the command succeeds.
wait_for() {
  local what=$1 end=$((SECONDS + 60))
  shift
  until "$@" > /dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "slurm_up.sh: $what did not start; see $folder/log" >&2
      return 1
    fi
    sleep 0.2
  done
}

start_munge() {
  (umask 077 && head -c 128 /dev/urandom > "$folder/munge/key")
  start munged munged --foreground --force --key-file="$folder/munge/key" --seed-file="$folder/munge/seed" \
    --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" --log-file="$folder/log/munged.log"
  wait_for munged munge --socket="$folder/munge/socket" --no-input
}

start_database() {
  if [ ! -d "$folder/database" ]; then
    mariadb-install-db --no-defaults --datadir="$folder/database" --user=root --auth-root-authentication-method=normal \
      --skip-test-db > "$folder/log/mariadb-install.out" 2>&1
  fi
  start mariadbd mariadbd --no-defaults --user=root --datadir="$folder/database" --bind-address=127.0.0.1 --port=$((port + 3)) \
    --socket="$folder/database.socket" --pid-file="$folder/database.pid" \
    --innodb-buffer-pool-size=128M --innodb-log-file-size=64M --innodb-lock-wait-timeout=900
  local client=(mariadb --no-defaults --user=root --socket="$folder/database.socket")
  wait_for mariadbd "${client[@]}" -e 'select 1'
  "${client[@]}" -e "create database if not exists slurm;
    create or replace user slurm@'127.0.0.1' identified by 'slurm'; grant all on slurm.* to slurm@'127.0.0.1';
    create or replace user slurm@localhost identified by 'slurm'; grant all on slurm.* to slurm@localhost;"
}

write_slurmdbd_conf() {
  rm -f "$folder/slurmdbd.conf"
  (umask 077 && cat > "$folder/slurmdbd.conf") << EOF
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
DbdHost=$host
DbdAddr=127.0.0.1
DbdPort=$((port + 2))
SlurmUser=root
PidFile=$folder/slurmdbd.pid
LogFile=$folder/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((port + 3))
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
EOF
}

write_slurm_conf() {
  cat > "$folder/slurm.conf" << EOF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=1000
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
${preempt:+SlurmctldParameters=$preempt}
JobRequeue=1
KillWait=30
OverTimeLimit=0
GresTypes=gpu,shard
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((port + 2))
AccountingStoragePass=$folder/munge/socket
AccountingStorageTRES=gres/gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
EOF
  : > "$folder/gres.conf"
  for node in $(seq "$nodes"); do
    echo "NodeName=n$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 3 + node)) CPUs=$cpus RealMemory=8000" \
      "Gres=gpu:$gpus,shard:$((4 * gpus))" >> "$folder/slurm.conf"
    for gpu in $(seq 0 $((gpus - 1))); do
      [ -e "$folder/gpus/nvidia$gpu" ] || mknod "$folder/gpus/nvidia$gpu" c 1 3 # what /dev/null is: Slurm wants a device
      echo "NodeName=n$node Name=gpu File=$folder/gpus/nvidia$gpu" >> "$folder/gres.conf"
    done
    echo "NodeName=n$node Name=shard Count=$((4 * gpus))" >> "$folder/gres.conf"
  done
  cat >> "$folder/slurm.conf" << EOF
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 GraceTime=$grace
PartitionName=high Nodes=ALL PriorityTier=10
EOF
}

all_idle() {
  [ "$(sinfo --noheader --Node --partition=main --states=idle | wc -l)" = "$nodes" ]
}

start_munge
start_database
write_slurm_conf
write_slurmdbd_conf
start slurmdbd slurmdbd -D
wait_for slurmdbd sacctmgr --noheader list cluster
start slurmctld slurmctld -D
wait_for slurmctld sinfo
for node in $(seq "$nodes"); do
  mkdir -p "$folder/spool-n$node"
  start "slurmd-n$node" slurmd -D -N "n$node"
done
wait_for "a node" all_idle
sinfo
echo "export SLURM_CONF=$SLURM_CONF"
