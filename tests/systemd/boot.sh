# Process 1 of a sandbox becomes systemd, when it is told so by a line on its standard input.

set -e
# What follows is not for the host.
[ $$ -eq 1 ]
read -r _

# What belongs to the host can only be read: systemd as process 1 sets limits of the kernel.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t sysfs -o ro sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp

# Nothing is started at boot but the journal, Postfix, and what they need.
find /etc/systemd/system/*.wants /lib/systemd/system/*.wants -type l ! -name 'systemd-journald*' ! -name postfix.service -delete

# It ends with the thread that runs the sandbox. In a control group namespace, the group that it is in is the root.
exec setpriv --pdeathsig KILL unshare --cgroup sh -ec '
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target'
