# needs: perl
# perl: fork, pipes, signals, alarm, a pipe open.
exec perl -e '
$SIG{CHLD} = "DEFAULT"; $| = 1;
for my $i (1 .. 50) { my $pid = fork // die; exit($i) unless $pid; waitpid($pid, 0); die "$i" if $? >> 8 != $i; }
open(my $p, "-|", "seq", 1000) or die; my $s = 0; $s += $_ while <$p>; close($p); print "$s\n";
my $n = 0; local $SIG{ALRM} = sub { $n++ }; alarm 1; select(undef, undef, undef, 5); print "alarm $n\n";
my $out = `uname -s; id -u`; print $out; system("exit 3"); print $? >> 8, "\n"; exit 4;'
