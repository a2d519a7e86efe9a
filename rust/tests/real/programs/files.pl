# Files read and written in the ways that Perl has.
use strict;
use warnings;
use File::Copy;

open(my $in, '<', 'in/0') or die;
open(my $out, '>', 'out/plain') or die;
print $out $_ while <$in>;
close $out;
copy('in/1', 'out/copied') or die;
copy('in/2', 'out/moving') or die;
move('out/moving', 'out/moved') or die;
my $text = `cat in/3`;
open($out, '>>', 'out/appended') or die;
print $out $text;
close $out;
my $child = fork;
if ($child) {
    waitpid $child, 0;
} else {
    open($in, '<', 'in/4') or die;
    sysread $in, my $bytes, 100;
    open($out, '>', 'out/forked') or die;
    syswrite $out, $bytes;
    exec 'true';
}
open($out, '|-', 'sort > out/piped') or die;
print $out "b\na\n";
close $out;
{
    local $^I = '';
    local @ARGV = ('edited');
    while (<>) { s/x/y/; print }
}
print "done\n";
