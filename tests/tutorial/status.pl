# Reads what `postmulti --status -j` prints, and asks the kernel and the queues the same.
use strict;
use warnings;
use Socket qw(inet_ntop AF_INET6);

while (my $line = <STDIN>) {
	my ($name, $config, $spool, $state) =
		map { $line =~ /"$_": "(.*?)"/ ? $1 : '?' } qw(name config_directory queue_directory state);
	my ($pid, $since, $oldest) = map { $line =~ /"$_": (\d+)/ ? $1 : 0 } qw(pid since oldest);
	my @facts = "$name $state";
	if ($pid) {
		push @facts, readlink("/proc/$pid/exe") =~ m{([^/]*)$};
		# Its first act is to write down its number.
		my $written = (stat "$spool/pid/master.pid")[9];
		push @facts, "since $since BUT $written" if abs($since - $written) > 1;
		my $told = join ' ', sort +($line =~ /"listeners": \[(.*?)\],"queues"/)[0] =~ /"(.*?)"/g;
		my $found = join ' ', listening($pid);
		push @facts, $found eq $told ? $found : "NOT $told BUT $found";
	}
	my $messages = 0;
	for my $queue (qw(maildrop incoming active deferred hold corrupt)) {
		my ($told) = $line =~ /"$queue": (\d+)/;
		chomp(my $found = `find $spool/$queue -type f | wc -l`);
		push @facts, "$queue $told" . ($found == $told ? '' : " BUT $found") if $told || $found;
		$messages += $found;
	}
	my ($first) = sort { $a <=> $b } `postqueue -c $config -j` =~ /"arrival_time": (\d+)/g;
	push @facts, abs($first - $oldest) <= 1 ? 'oldest as by postqueue' : "oldest $oldest BUT $first" if $messages;
	print join(', ', grep { length } @facts), "\n";
}

# Where a process listens, as the kernel tells it.
sub listening {
	my %mine = map { my $link = readlink; $link && $link =~ /^socket:\[(\d+)\]/ ? ($1, 1) : () } glob "/proc/$_[0]/fd/*";
	my @found;
	for my $table ('/proc/net/tcp', '/proc/net/tcp6') {
		open my $file, '<', $table or next;
		while (<$file>) {
			my @words = split;
			next unless $words[3] eq '0A' && $mine{$words[9]};
			my ($address, $port) = split /:/, $words[1];
			my $bytes = join '', map { pack 'V', hex } $address =~ /.{8}/g;
			my $host = length $bytes == 4 ? join '.', unpack 'C4', $bytes : '[' . inet_ntop(AF_INET6, $bytes) . ']';
			push @found, "$host:" . hex $port;
		}
	}
	return sort @found;
}
