# write.pl FILE NEW PAUSE: writes in FILE, in place, what is in NEW, in pieces of seven bytes or so that end in the middle
# of a line, with a pause in seconds between them; without a pause, again and again for a second.
use strict;
use Time::HiRes qw(sleep time);

my ($file, $new, $pause) = @ARGV;
open my $from, '<', $new or die "$new: $!";
my $text = join '', <$from>;
my $end = time + 1;
do {
	open my $to, '+<', $file or die "$file: $!";
	truncate $to, 0;
	for (my $at = 0; $at < length $text;) {
		my $size = 7;
		$size++ while $at + $size < length $text and substr($text, $at, $size) =~ /\n$/;
		syswrite $to, substr $text, $at, $size;
		$at += $size;
		sleep $pause if $pause;
	}
} until $pause or time > $end;
