# swap.pl COUNTER LINK VICTIM...: exchanges the link with each victim in turn, and back, as fast as it can, until SIGTERM.
# What is in COUNTER is how often it could.
use strict;

my ($counter, $link, @victims) = @ARGV;
my $renameat2 = `uname -m` =~ /aarch64/ ? 276 : 316;
my ($here, $exchange) = (-100, 2);
my ($swaps, $end) = (0, 0);
$SIG{TERM} = sub { $end = 1 };
open my $file, '+<', $counter or die "$counter: $!";
syswrite $file, "0\n";
until ($end) {
	for my $victim (@victims) {
		# The second time, it is as before.
		for (1, 2) {
			syscall($renameat2, $here, $link, $here, $victim, $exchange) == 0 or last;
			sysseek $file, 0, 0;
			syswrite $file, ++$swaps . "\n";
		}
	}
}
