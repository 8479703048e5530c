# A content filter, as the tutorial wants it: it listens on port 10025, passes what the client says on to port 10026,
# XFORWARD and further messages included, and marks each message with a header line.
use strict;
use warnings;
use IO::Socket::INET;

$SIG{CHLD} = 'IGNORE';
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1:10025', Listen => 20, ReuseAddr => 1) or die "listen: $!";
while (1) {
	my $client = $listener->accept or next;
	next if fork;
	close $listener;
	my $server = IO::Socket::INET->new('127.0.0.1:10026') or die "connect: $!";
	session($client, $server);
	exit;
}

sub session {
	my ($client, $server) = @_;
	reply($client, $server);
	while (my $command = <$client>) {
		print $server $command;
		my $code = reply($client, $server);
		message($client, $server) if $command =~ /^DATA\b/i and $code == 354;
	}
}

# Passes a reply on, but for extensions that do not work through this filter, and returns its code.
sub reply {
	my ($client, $server) = @_;
	while (my $line = <$server>) {
		print $client $line unless $line =~ /^250-(PIPELINING|CHUNKING|STARTTLS)\b/;
		return $1 if $line =~ /^(\d{3}) /;
	}
	exit;
}

sub message {
	my ($client, $server) = @_;
	print $server "X-Filter: seen\r\n";
	while (my $line = <$client>) {
		print $server $line;
		last if $line eq ".\r\n";
	}
	reply($client, $server);
}
