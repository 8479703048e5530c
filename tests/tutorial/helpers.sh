# Functions for the transcript, besides those of tests/compat/library.sh.

# step_begins: what follows is a new step; the runner calls this.
step_begins() {
	wc -l </var/log/syslog >/run/logged
}

# log PATTERN: the lines of the mail log that match, since the step began, without times and process numbers.
log() {
	tail -n "+$(($(cat /run/logged) + 1))" /var/log/syslog |
		sed 's/^<[0-9]*>[A-Z][a-z]* *[0-9]* [0-9:]* //; s/\[[0-9]*\]:/:/; s/PID: [0-9]*/PID: N/' | grep -E "$1"
}

# masters: which masters have started and ended, in order, since the step began.
masters() {
	log '/master: (daemon started|terminating)' | sed -E 's/ -- version [^,]*, configuration / /'
}

# hub SUBJECT HEADER...: these header lines of the messages with this subject that have arrived at the mail hub.
hub() {
	subject=$1
	shift
	for message in $(grep -lrx "Subject: $subject" /srv/hub); do
		for header; do
			grep -i "^$header: " "$message" | sed "s/> .*/>/"
		done
	done
}

# daemon COMMAND...: runs it in the background. The end of the terminal, which comes at once, must not end it.
daemon() {
	trap '' HUP
	setsid "$@" </dev/null >/dev/null 2>&1 &
}

# filter start|stop: the content filter has a start and stop procedure of its own.
filter() {
	case $1 in
	start) daemon perl /srv/filter.pl; echo $! >/run/filter.pid ;;
	stop) kill "$(cat /run/filter.pid)" ;;
	esac
}

# greeting ADDRESS: what the SMTP server there says first.
greeting() {
	perl -MIO::Socket::INET -e '$server = IO::Socket::INET->new(shift) and print $server->getline' "$1" | tr -d '\r'
}

# names ADDRESS: by which names the SMTP servers there call themselves.
names() {
	perl -MIO::Socket::INET -e 'for (1 .. 20) { my $server = IO::Socket::INET->new($ARGV[0]) or next; $server->getline =~ / (\S+)/ and $names{$1} = 1 } print map { "$_\n" } sort keys %names' "$1"
}

# check: what postmulti --check finds, without the numbers of lines.
check() {
	postmulti --check | sed 's/line [0-9]*/line N/g'
}

# daemons: the daemons of Postfix that run.
daemons() {
	ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n 's|.*-> /usr/lib/postfix/||p'
}

# inject SUBJECT: gives the input instance a message.
inject() {
	perl /srv/inject.pl "$1"
}

# settings DIRECTORY: sets these parameters in the main.cf there.
settings() {
	xargs -d '\n' postconf -c "$1" -e
}

# by_hand: removes what destroy has left, and only that: "please verify contents and remove by hand", says its warning.
by_hand() {
	# The last one.
	log '/var/spool/postfix-[a-z]*: please verify' >/dev/null &&
		log 'remove by hand' | sed 's/.*warning: \(.*\): please verify .*/\1/' | xargs -d '\n' rm -rf
}
