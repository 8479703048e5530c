# Functions for the attacks of swap.rs, after those of the scenarios.

Q=/var/spool/postfix-a
# Where the attacker has its files. In /tmp, or another directory with the sticky bit, fs.protected_regular keeps also root
# from writing to a file of another user's.
A=/srv/attacker

# fill NAME OWNER: what a busy instance has in its queue, but for mail: 2048 files in 256 directories, and 192 directories
# that are empty by now.
fill() {
	perl -e '
		chdir "/var/spool/$ARGV[0]" or die;
		my @digits = (0 .. 9, "A" .. "F");
		for my $queue (qw(flush defer bounce deferred)) {
			for my $one (@digits) {
				mkdir "$queue/$one";
				for my $two ($queue eq "flush" ? @digits : 0 .. 3) {
					mkdir "$queue/$one/$two";
					next if $queue ne "flush";
					for (1 .. 8) { open my $file, ">", "$queue/$one/$two/$one$two$_" or die }
				}
			}
		}' "$1"
	chown -R "$2" "/var/spool/$1"
}

# attacked TARGET VICTIM... -- COMMAND...: runs the command while a process of the mail system's user swaps the victims
# for a link to the target. Prints the exit status, and how many swaps there were from the start to the end of it.
attacked() {
	mkdir -p $A
	ln -s "$1" $A/link
	: >$A/swaps
	chown -hR postfix $A
	shift
	victims=
	until [ "$1" = -- ]; do victims="$victims $1"; shift; done
	shift
	setpriv --reuid=postfix --regid=postfix --clear-groups perl /tmp/swap.pl $A/swaps $A/link $victims </dev/null >/dev/null 2>&1 &
	attacker=$!
	until read before <$A/swaps; do sleep 0.001; done
	"$@"
	status=$?
	read after <$A/swaps
	kill "$attacker"
	wait "$attacker"
	echo "$status $((after - before))"
}

# careless DIRECTORY: removes all below it as a program does that goes by paths, and looks before each step.
careless() {
	perl -e '
		sub gone {
			my $directory = shift;
			opendir my $names, $directory or return;
			for my $name (readdir $names) {
				next if $name eq "." or $name eq "..";
				my $path = "$directory/$name";
				if (-d $path and not -l $path) { gone($path) } else { unlink $path }
			}
			rmdir $directory;
		}
		gone(shift)' "$1"
}

# cleared: nothing is left of the instance that was attacked.
cleared() {
	unlisted postfix-a
	rm -rf $Q /etc/postfix-a /var/lib/postfix-a $A
}
