# inject.pl SUBJECT: gives the input instance a message for user@example.com, as the tutorial tests it: XCLIENT makes the
# connection look as if it came from a host in the Internet.
use strict;
use warnings;
use IO::Socket::INET;

my ($subject) = @ARGV;
my $server = IO::Socket::INET->new('127.0.0.1:25') or die "connect: $!";
sub said {
	my $wanted = shift;
	while (my $line = <$server>) {
		return if $line =~ /^$wanted /;
		die $line unless $line =~ /^$wanted-/;
	}
	die 'the connection is closed';
}
said(220);
for ('EHLO test.example.org', 'XCLIENT NAME=mail.example.org ADDR=192.0.2.25', 'EHLO mail.example.org',
	'MAIL FROM:<somebody@example.org>', 'RCPT TO:<user@example.com>', 'DATA',
	"From: somebody\@example.org\r\nTo: user\@example.com\r\nSubject: $subject\r\n\r\ntesting\r\n.", 'QUIT')
{
	print $server "$_\r\n";
	said(/^XCLIENT/ ? 220 : /^DATA/ ? 354 : /^QUIT/ ? 221 : 250);
}
