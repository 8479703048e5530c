# Functions for the transcripts.

# step_begins: what follows is a new step; the runner calls this.
step_begins() {
	date '+@%s.%6N' >/run/step
}

# log PATTERN: the lines of the journal that match, since the step began, without times and process numbers.
log() {
	journalctl -q -o short --no-hostname --since "$(cat /run/step)" |
		sed -E 's/^[A-Z][a-z]+ [0-9]+ [0-9:]+ //; s/\[[0-9]+\]:/:/' | grep -E "$1"
}

# masters: which masters have started, read their files again, and ended, in order, since the step began.
masters() {
	log '/master: (daemon started|reload|terminating)' | sed 's/ -- version [^,]*, configuration / /'
}

# units: the services of Postfix that run, or have failed.
units() {
	systemctl list-units --plain --no-legend 'postfix*' | awk '{ print $1, $3, $4 }'
}

# greeting PORT: what the SMTP server there says first.
greeting() {
	perl -MIO::Socket::INET -e '$server = IO::Socket::INET->new(shift) and print $server->getline' "127.0.0.1:$1" |
		tr -d '\r' | cut -d ' ' -f 1-2
}
