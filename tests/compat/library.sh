# Functions for scenario files; README lists them.

# primary [LINE...]: the primary's main.cf is these lines, or standard input, and nothing else.
primary() {
	if [ $# -gt 0 ]; then printf '%s\n' "$@"; else cat; fi >/etc/postfix/main.cf
}

# with LINE COMMAND...: run the command with this line (printf(1)'s escapes count) added to the primary's main.cf.
with() {
	[ -e /tmp/main.cf.before ] || cp /etc/postfix/main.cf /tmp/main.cf.before
	{ cat /tmp/main.cf.before; printf '%b\n' "$1"; } >/etc/postfix/main.cf
	touch -d '1 year ago' /etc/postfix/main.cf
	shift
	"$@"
}

# instance NAME [LINE...]: a secondary /etc/NAME, with a queue and a data directory of its own, these lines in its
# main.cf, on the primary's list.
instance() {
	instance=$1
	shift
	mkdir -p "/etc/$instance" "/var/spool/$instance" "/var/lib/$instance"
	cp /etc/postfix/master.cf "/etc/$instance"
	{
		printf '%s\n' "queue_directory = /var/spool/$instance" "data_directory = /var/lib/$instance"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"/etc/$instance/main.cf"
	list "/etc/$instance"
}

# list DIRECTORY...: put these on the primary's multi_instance_directories, which is one line.
list() {
	for directory; do
		if grep -q '^multi_instance_directories =' /etc/postfix/main.cf; then
			sed -i "s|^multi_instance_directories =.*|& $directory|" /etc/postfix/main.cf
		else
			printf 'multi_instance_directories = %s\n' "$directory" >>/etc/postfix/main.cf
		fi
	done
}

# without DIRECTORY COMMAND...: run the command as if the directory were not on the list.
without() (
	listed=$(mktemp)
	cp -p /etc/postfix/main.cf "$listed"
	sed -i "/^multi_instance_directories =/s|[ ,]$1\$||; /^multi_instance_directories =/s|[ ,]$1\([ ,]\)|\1|" /etc/postfix/main.cf
	touch -d '1 year ago' /etc/postfix/main.cf
	shift
	"$@"
	status=$?
	cp -p "$listed" /etc/postfix/main.cf
	rm "$listed"
	exit $status
)

# recorder: put a program in place of postfix(1) that prints its arguments, directory, umask and environment.
# It is at /usr/bin/record, too, for use as the command of -x.
recorder() {
	cat >/usr/bin/record <<'PERL'
#!/usr/bin/perl
$| = 1;
sub show { my $text = shift; $text =~ s/([^ -~]|\\)/sprintf '\\x%02x', ord $1/ge; print "$text\n" }
show("argument: $_") for @ARGV;
show("directory: " . readlink '/proc/self/cwd');
show(sprintf 'umask: %04o', umask);
open my $file, '<', '/proc/self/environ';
local $/;
show("environment: $_") for sort split /\0/, <$file>;
show('');
PERL
	chmod 755 /usr/bin/record
	cp /usr/bin/record /usr/sbin/postfix
}

# as_nobody COMMAND...: run as an ordinary user.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# ours OPTION...: print these options if postmulti has long options, which the original has not.
ours() {
	! postmulti --version >/dev/null 2>&1 || echo "$@"
}

# syslogd [SOCKET]: a daemon that keeps what is written to the mail log, by way of this socket in place of /dev/log.
syslogd() {
	cat >/tmp/syslogd <<'PERL'
use Socket;
socket my $log, AF_UNIX, SOCK_DGRAM, 0 or die;
my $socket = shift // '/dev/log';
bind $log, sockaddr_un($socket) or die;
chmod 0666, $socket;
open my $file, '>>', '/var/log/syslog' or die;
fork and exit;
setpgrp;
open STDIN, '<', '/dev/null';
open $_, '>', '/dev/null' for *STDOUT, *STDERR;
$file->autoflush(1);
while (defined recv $log, my $line, 65536, 0) { $line =~ s/[\0\n]*$/\n/; syswrite $file, $line }
PERL
	perl -MIO::Handle /tmp/syslogd "$@"
}

# logged: print what postmulti wrote to the mail log: priority, tag and text.
# The system log is written by another process, so wait until nothing more comes.
logged() {
	before=-1 lines=0 tries=0
	until [ "$lines" -gt 0 -a "$lines" -eq "$before" -o "$tries" -eq 20 ]; do
		sleep 0.3
		before=$lines lines=$(grep -c postmulti /var/log/syslog) tries=$((tries + 1))
	done
	grep 'postmulti' /var/log/syslog | sed 's/>[A-Z][a-z]* *[0-9]* [0-9:]* />/; s/\[[0-9]*\]//'
}

# no_chroot: Debian 13 and later copy no files for chroots into new queues.
no_chroot() {
	echo 'SYNC_CHROOT=' >/etc/default/postfix
}

# initialised: the primary's main.cf is as `postmulti -e init` leaves it, and no_chroot.
initialised() {
	printf '%s\n' 'multi_instance_wrapper = ${command_directory}/postmulti -p --' 'multi_instance_enable = yes' >>/etc/postfix/main.cf
	no_chroot
}

# created NAME [LINE...]: as instance, with all directories in its queue that `postmulti -e create` makes, and with the
# primary's compatibility_level, without which postfix(1) and postconf(1) speak up.
created() {
	instance "$@"
	grep '^compatibility_level' /etc/postfix/main.cf >>"/etc/$1/main.cf"
	(
		cd "/var/spool/$1"
		mkdir -m 700 active bounce corrupt defer deferred flush hold incoming private saved trace
		mkdir -m 730 maildrop
		mkdir -m 710 public
		mkdir -m 755 pid
		chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace maildrop public "/var/lib/$1"
		chgrp postdrop maildrop public
		chmod 700 "/var/lib/$1"
	)
}

# running NAME: a process that holds the lock of the instance's master(8), as postfix(1) sees, too.
running() {
	lock=/var/spool/$1/pid/master.pid
	mkdir -p "${lock%/*}"
	flock "$lock" sh -c 'echo $$ >"$1"; exec sleep 600' sh "$lock" </dev/null >/dev/null 2>&1 &
	until [ -s "$lock" ]; do sleep 0.01; done
	postfix -c "/etc/$1" status
}

# unlisted NAME: the instance is not on the primary's list.
unlisted() {
	sed -i "/^multi_instance_directories =/s| /etc/$1\$||; /^multi_instance_directories =/s| /etc/$1 | |" /etc/postfix/main.cf
}

# state: print what instances consist of: paths, modes, owners and links, and the lines of every main.cf, in no order,
# because the original does not add them in a certain one everywhere.
state() {
	find /etc/postfix* /etc/skel /var/spool/postfix* /var/lib/postfix* /srv /opt -printf '%p %M %u:%g %l\n' | sort
	for file in /etc/postfix*/main.cf; do
		echo "$file:"
		sort "$file"
	done
}

# unit KEY INSTANCE: what the installed service of this instance runs as KEY, such as ExecStart, as systemd runs it.
unit() {
	unit=/lib/systemd/system/postfix@.service
	# Since Debian 13, the default instance has one of its own.
	if [ "$2" = - ] && grep -q '^ExecStop=' /lib/systemd/system/postfix.service; then
		unit=/lib/systemd/system/postfix.service
	fi
	mkdir -p /run/systemd/system
	env -i PATH="$PATH" INVOCATION_ID=0 sh -c "
		$(sed -n "s/%[iI]/$2/g; s/^Environment=/export /p; s/^$1=+*/exec /p" "$unit")
		echo 'no $1 in $unit'; exit 1"
}
