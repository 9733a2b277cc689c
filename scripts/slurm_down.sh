#!/usr/bin/env bash
# Stop the cluster that slurm_up.sh started in a folder, with its jobs. Ends processes that it noted, and no others.
#
#   scripts/slurm_down.sh [FOLDER]    by default ${TMPDIR:-/tmp}/ganexp-slurm; state and logs remain, delete them as you like
set -uo pipefail

folder=$(realpath -m "${1:-${TMPDIR:-/tmp}/ganexp-slurm}")
export SLURM_CONF=$folder/slurm.conf

if [ ! -e "$folder/pids" ]; then
  echo "slurm_down.sh: no cluster is up in $folder"
  exit 0
fi

queued() {
  timeout 5 squeue --noheader --format=%A 2> /dev/null | sort -u
}

# alive PID STARTED: the process is the one that was noted, not a later one of the same id, and no zombie.
alive() {
  local fields
  read -ra fields < "/proc/$1/stat" 2> /dev/null && [ "${fields[21]}" = "$2" ] && [ "${fields[2]}" != Z ]
} 2> /dev/null

# stop SIGNAL PATTERN: send it to the daemons of these names; wait 10 s for their end, then insist.
stop() {
  local pid started name
  while read -r pid started name; do
    [[ $name == $2 ]] && alive "$pid" "$started" && kill "-$1" "$pid"
  done < "$folder/pids"
  while read -r pid started name; do
    [[ $name == $2 ]] || continue
    for _ in $(seq 100); do
      alive "$pid" "$started" || continue 2
      sleep 0.1
    done
    kill -KILL "$pid"
  done < "$folder/pids"
}

# While the daemons are there to do it: jobs that do not listen are killed by Slurm, which says so after a while.
for job in $(queued); do
  timeout 10 scancel "$job"
  timeout 10 scancel --full --signal=KILL "$job" 2> /dev/null
done
for _ in $(seq 40); do
  [ -z "$(queued)" ] && break
  sleep 0.5
done
stop TERM 'slurmd-*'
stop TERM slurmctld
stop TERM slurmdbd
stop TERM mariadbd
stop KILL munged # has no state, and takes 10 s over SIGTERM
rm -f "$folder/pids"
