# Keeps a control group for the process whose number it reads, until its standard input ends, for whatever reason.
# Control groups are mounted on $1, in a mount namespace of its own.

set -e

# The processes are dead, or dying.
remove() {
	tries=0
	until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || { echo "control group ${group##*/} cannot be removed" >&2; exit 1; }
		sleep 0.1
	done
}

mount -t cgroup2 cgroup2 "$1"
group=$1/postmulti-test.$$
mkdir "$group"
trap remove EXIT
read -r process || exit 0
echo "$process" >"$group/cgroup.procs"
echo added
cat
