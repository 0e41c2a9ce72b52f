# fish completion for trapline(1). Options are asked of the program itself, so they are never stale.

function __trapline_list
    trapline help $argv 2>/dev/null </dev/null | string match -r '^  [a-z].*' | string replace -r '^  ([a-z]+) +' '$1\t'
end

function __trapline_options
    set -l words (commandline -opc)
    trapline help $words[2] 2>/dev/null </dev/null | string match -ar -- '--[a-z][a-z0-9-]*' | sort -u
end

function __trapline_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __trapline_wants_tool
    set -l words (commandline -opc)
    test (count $words) -eq 2; and contains -- $words[2] policy bench
end

complete -c trapline -f
complete -c trapline -n 'test (count (commandline -opc)) -eq 1' -a '(__trapline_list)'
complete -c trapline -n '__trapline_is help' -a '(__trapline_list)'
complete -c trapline -n __trapline_wants_tool -a '(__trapline_list (commandline -opc)[2])'
complete -c trapline -n '__trapline_is run trace policy bench doctor; and string match -q -- "-*" (commandline -ct)' -a '(__trapline_options)'
complete -c trapline -n '__trapline_is run trace' -l mechanism -x -a 'auto native notify trace sysemu step'
complete -c trapline -n '__trapline_is trace' -s p -x -a '(__fish_complete_pids)'
complete -c trapline -n '__trapline_is trace' -s o -r -F
complete -c trapline -n '__trapline_is run trace' -l policy -r -F
complete -c trapline -n '__trapline_is run trace' -l audit -r -F
complete -c trapline -n '__trapline_is run trace' -a '(__fish_complete_subcommand)'
complete -c trapline -n '__trapline_is policy; and not __trapline_wants_tool' -F
